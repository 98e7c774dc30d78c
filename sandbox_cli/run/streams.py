"""The job's stdin, stdout and stderr: relayed through pipes of ours, counted, kept up to a cap, never blocking.

A job with a terminal of its own has no pipes: once the terminal is there, it takes their place (`attach`).

A job never holds an fd of the caller's: through /proc/self/fd it could open a file that was given for
reading again for writing. What the caller reads slowly the job waits for, while its limits go on being held.
"""

from __future__ import annotations

import errno
import os
import select
import stat

from sandbox_cli.run.fds import close, own, own_pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.run.model import Target

_READ = 65536
_LINE_FEED = 0x0A
_ATOMIC = 4096  # a pipe that poll calls writable takes this much without blocking (pipe(7), PIPE_BUF)


class Budget:
    """What both output streams may bring together."""

    def __init__(self, limit: float | None) -> None:
        self.left = limit
        self.exceeded = False

    def take(self, size: int) -> int:
        """How many of `size` bytes are within the limit."""
        if self.left is None:
            return size
        taken = min(size, int(self.left))
        self.left -= taken
        self.exceeded = self.exceeded or taken < size
        return taken


class Output:
    """One output stream: from the job's pipe to what is kept and to the caller, by an fd or a call.

    One that is `joined` with another is written into the other's pipe, so that the order of both is kept; its own ends
    at once.
    """

    def __init__(self, to: Target, capture: int, budget: Budget, joined: Output | None = None) -> None:
        target = to if isinstance(to, int) else None
        self._tell = None if isinstance(to, int) else to
        self._own = _unblocked(target, os.O_WRONLY)
        self.target = target if self._own is None else self._own
        self.source, self.job_end = own_pipe()
        os.set_blocking(self.source, False)
        if joined is not None:
            close(self.job_end)
            self.job_end = own(os.dup, joined.job_end)
        self.kept = bytearray()
        self.total = 0
        self.ended = False
        self.broken: OSError | None = None  # the caller's side is gone
        self.terminal = target is not None and os.isatty(target)
        self.in_line = False  # what was written last ends within a line
        self._capture = capture
        self._budget = budget
        self._pending = memoryview(b"")
        self._never_blocks = self._own is not None or (target is not None and stat.S_ISREG(os.fstat(target).st_mode))

    @property
    def waiting(self) -> bool:
        """The caller has not taken all of it yet: nothing more is read meanwhile."""
        return len(self._pending) > 0

    def read(self) -> bool:
        """Takes what the job wrote, and says whether there was any. After its last writer, `ended`."""
        try:
            data = os.read(self.source, _READ)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""  # the end of a terminal that nobody has open any more
        self.ended = not data
        self.total += len(data)
        data = data[: self._budget.take(len(data))]
        self.kept += data[: self._capture - len(self.kept)]
        if self._tell is not None and data:
            self._tell(data)
        if self.target is not None and self.broken is None:
            self._pending = memoryview(data)
            self.write()
        return not self.ended

    def write(self) -> None:
        """Gives the caller as much as it takes now."""
        assert self.target is not None
        poll = select.poll()
        poll.register(self.target, select.POLLOUT)
        while self._pending and (self._never_blocks or poll.poll(0)):
            try:
                written = os.write(self.target, self._pending if self._never_blocks else self._pending[:_ATOMIC])
            except BlockingIOError:
                return
            except OSError as error:
                self.broken = error
                self._pending = memoryview(b"")
                return
            self.in_line = written > 0 and self._pending[written - 1] != _LINE_FEED
            self._pending = self._pending[written:]

    def attach(self, terminal: int) -> None:
        """From now on it is the terminal that is read, through an fd of our own."""
        os.dup2(terminal, self.source, inheritable=False)

    def close(self) -> None:
        close(self.source, self._own)


def lead_to_one(first: Target, second: Target) -> bool:
    """Whether two fds of the caller's lead to one file, pipe or terminal."""
    if not (isinstance(first, int) and isinstance(second, int)):
        return False
    try:
        return os.path.samestat(os.fstat(first), os.fstat(second))
    except OSError:
        return False


class Input:
    """The job's stdin: the caller's bytes, handed on as the job takes them."""

    def __init__(self, source: int | bytes | None) -> None:
        fd = source if isinstance(source, int) else None
        self._own = _unblocked(fd, os.O_RDONLY)
        self.source = fd if self._own is None else self._own
        self._watched = fd  # a fifo that is opened again never says that its last writer left before that
        self._terminal = self.source is not None and os.isatty(self.source)
        self.typed = False  # somebody did, on a terminal
        self._pending = memoryview(source if isinstance(source, bytes) else b"")
        self.target: int | None = None
        if source is None:
            self.job_end = own(os.open, os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        else:
            self.job_end, self.target = own_pipe()
            os.set_blocking(self.target, False)

    @property
    def wants(self) -> int | None:
        """The fd to read from now. A terminal is left alone in the background: reading it would stop us (SIGTTIN)."""
        if self.target is None or self._pending or (self._terminal and not in_foreground(self.source)):
            return None
        return self._watched if self.source is not None else None

    @property
    def offers(self) -> int | None:
        """The fd to write to now."""
        return self.target if self._pending else None

    def read(self) -> None:
        """Takes what the caller has; its end, or an fd that can't be read, is the end of the job's stdin."""
        assert self.source is not None
        try:
            self._pending = memoryview(os.read(self.source, _READ))
            self.typed = self._terminal
        except BlockingIOError:
            return
        except OSError:
            self._pending = memoryview(b"")
        if not self._pending:
            self.source = None
            self.finish()

    def write(self) -> None:
        """Gives the job what it takes now; a job that closed its stdin is no error."""
        assert self.target is not None
        try:
            self._pending = self._pending[os.write(self.target, self._pending) :]
        except BlockingIOError:
            return
        except OSError:  # EPIPE, and of a terminal EIO
            self._pending = memoryview(b"")
            self.source = None
        self.finish()

    def attach(self, terminal: int) -> None:
        """From now on it is the terminal that is written to, through an fd of our own."""
        assert self.target is not None
        os.dup2(terminal, self.target, inheritable=False)

    def finish(self) -> None:
        """Closes the job's stdin once nothing is left to come."""
        if self.target is not None and self.source is None and not self._pending:
            close(self.target)
            self.target = None

    def close(self) -> None:
        self._pending = memoryview(b"")
        self.source = None
        self.finish()
        close(self._own)


def _unblocked(fd: int | None, way: int) -> int | None:
    """The caller's terminal or pipe opened once more for ourselves, so that it never blocks us, and only us.

    O_NONBLOCK on the caller's own fd would be seen by all who share it; and what `poll` promises of that fd another one
    who reads or writes there can take from us, or a terminal keep for less than was to be written. Else None: a socket
    can't be opened, nor a pipe or terminal of another account.
    """
    try:
        if fd is None or not (stat.S_ISFIFO(os.fstat(fd).st_mode) or os.isatty(fd)):
            return None
        return own(os.open, f"/proc/self/fd/{fd}", way | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None


def in_foreground(terminal: int | None) -> bool:
    """Whether we may read a terminal, and write there in any case."""
    try:
        return terminal is not None and os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return True  # not our controlling terminal: it stops nobody
