"""Results on standard output."""

from __future__ import annotations

import os
import select
import stat

_PATIENCE_MS = 2000  # with a reader who takes nothing, once nobody wants more of it


class Stream:
    """An fd that takes results, whole lines, as fast as its reader does. `finished`: there is nothing to go on from."""

    finished = None

    def __init__(self, fd: int, stop: int) -> None:
        self._own = _unblocked(fd)
        self._fd = fd if self._own is None else self._own
        self._stop = stop

    def append(self, line: bytes) -> None:
        """One write, as long as there is room for it. Raises OSError: TimeoutError where nobody took it any more."""
        left = memoryview(line)
        while left:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                self._wait()

    def close(self) -> None:
        if self._own is not None:
            os.close(self._own)

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        poll.register(self._stop, select.POLLIN)
        if any(fd == self._fd for fd, _ in poll.poll()):
            return
        poll.unregister(self._stop)
        if not poll.poll(_PATIENCE_MS):
            raise TimeoutError("whoever reads the results takes nothing more")


def _unblocked(fd: int) -> int | None:
    """A pipe or terminal opened once more: a reader who takes nothing must not keep us from ending. Else None."""
    if not (stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd)):
        return None
    try:
        return os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None  # of another account
