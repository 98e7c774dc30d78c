"""The wire: lines from stdin and to stdout, neither of which anything else of this process reads or writes.

The SDK reads and writes in threads, and no cancellation gets rid of one that waits for a line: here a signal, or a
client that went away, is an end of file, and the server has no other end.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

LONGEST = 32 << 20  # bytes of one message
TOO_LONG = "a-message-of-more-than-32-MiB"
GRACE_S = 1.5  # from the end of file to ours, whatever still hangs
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PIECE = 1 << 16
_ENDS = 1 << 12
_ID = rb'"id"\s*:\s*(-?\d{1,18}|"[\w.:-]{1,100}")'
_FIRST, _LAST = re.compile(_ID), re.compile(_ID + rb"\s*\}\s*$")


class Wire:
    """Takes stdin and stdout away from everybody else: there is nothing to read, and what is printed goes to stderr."""

    def __init__(self) -> None:
        self._in, self._out = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1))
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        os.close(nothing)
        self._woken, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self.exit_code = 0
        self._buffer = bytearray()
        self._cut = False  # the line that is being read is too long: of its middle nothing is kept

    def end_on_signals(self) -> None:
        """Any thread may be given one, but handlers run in the main one, which may sleep: hence the fd."""
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as below nohup
                signal.signal(number, self._signalled)

    def readline(self) -> str:
        """The next line; empty at the end."""
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            if len(self._buffer) > LONGEST:
                self._cut = True
                del self._buffer[_ENDS:-_ENDS]
            seen = len(self._buffer)
            piece = self._piece()
            if not piece:
                self._end_soon()
                return ""
            self._buffer += piece
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if self._cut or len(line) > LONGEST:
            self._cut = False
            return _instead_of(line)
        return line.decode(errors="replace")

    def write(self, text: str) -> int:
        """All of it, or the end where nobody reads any more."""
        rest = memoryview(text.encode())
        try:
            while rest:
                try:
                    rest = rest[os.write(self._out, rest) :]
                except BlockingIOError:  # the client made it so
                    _until(self._out, select.POLLOUT)
        except OSError:
            self.end()
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def end(self) -> None:
        """From any thread: there will be no more lines."""
        try:
            os.write(self._wake, b"x")
        except BlockingIOError:
            return  # it was told often enough

    def _piece(self) -> bytes:
        if self._woken in _until(self._in, select.POLLIN, self._woken):
            return b""
        try:
            return os.read(self._in, _PIECE)
        except BlockingIOError:
            return self._piece()
        except OSError:
            return b""  # the terminal hung up

    def _end_soon(self) -> None:
        """Jobs are being killed. What does not end then, such as a write that nobody reads, is not waited for."""
        timer = threading.Timer(GRACE_S, lambda: os._exit(self.exit_code))
        timer.daemon = True
        timer.start()

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        self.exit_code = 128 + number


def _until(fd: int, event: int, woken: int | None = None) -> set[int]:
    ready = select.poll()  # select would refuse an fd above 1023
    ready.register(fd, event)
    if woken is not None:
        ready.register(woken, select.POLLIN)
    return {found for found, _ in ready.poll()}


def _instead_of(line: bytes) -> str:
    """A request of the same id that nothing serves: its client learns what was wrong, and doesn't wait for ever."""
    before, params, _ = line[:_ENDS].partition(b'"params"')
    found = (_FIRST.search(before) if params else None) or _LAST.search(line[-_ENDS:])
    if found is None:
        return "\n"
    return f'{{"jsonrpc": "2.0", "id": {found[1].decode()}, "method": "{TOO_LONG}"}}\n'
