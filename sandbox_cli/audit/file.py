"""One file of audit lines: opened before the job starts, appended to when it is over."""

from __future__ import annotations

import fcntl
import os
import resource
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, RefusedError
from sandbox_cli.plan.words import place
from sandbox_cli.policy import guard
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from sandbox_cli.plan.audits import Demand

# Never through a link, and never waiting: what stands there may be somebody else's.
_FLAGS = os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL
_TRIES = 10  # somebody may make it, or rotate it away, between two looks
_PATIENCE_S = 1.0  # for the lock: whoever may open the file may hold it for ever
_PAUSE_S = 0.005
_ROOM = 64 << 10  # bytes: more than any line has


class AuditFile:
    """Raises RefusedError where no line could be appended."""

    def __init__(self, demand: Demand) -> None:
        self.path = demand.path
        self._demand = demand
        try:
            self._guard()
            self._fd = self._open()
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from None
        looks = os.fstat(self._fd)
        if (problem := self._problem(looks) or _lack_of_room(self._fd, looks.st_size)) is not None:
            os.close(self._fd)
            raise self._refused(problem)

    def append(self, line: bytes) -> None:
        """One write of one whole line. Raises OSError where not all of it could be written.

        The kernel appends what one write(2) brings in one piece, on local file systems. The lock is for those that
        don't (NFS), and for the look at how the file ends.
        """
        self._lock()
        left = memoryview(self._separator() + line)
        while left:
            left = left[os.write(self._fd, left) :]

    def close(self) -> None:
        self._unlock()  # closing it is not enough where the program has forked meanwhile
        os.close(self._fd)

    def _open(self) -> int:
        for _ in range(_TRIES):
            try:
                looks = os.lstat(self.path)
            except FileNotFoundError:
                try:
                    return os.open(self.path, _NEW | _FLAGS, 0o600)
                except FileExistsError:
                    continue
            if (problem := self._problem(looks)) is not None:  # before it is opened: a device may act on that alone
                raise self._refused(problem)
            try:
                return self._open_existing()
            except FileNotFoundError:
                continue
        raise self._refused("it comes and goes")

    def _open_existing(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | _FLAGS)
        except PermissionError:  # it may be one that this account adds to, and doesn't read
            return os.open(self.path, os.O_WRONLY | _FLAGS)

    def _problem(self, looks: os.stat_result) -> str | None:
        if stat.S_ISLNK(looks.st_mode):
            return "it is a link: name the file itself"
        if not stat.S_ISREG(looks.st_mode):
            return "it is no regular file, and nothing else is known to keep a line whole"
        if os.geteuid() == 0 and looks.st_uid != 0:
            return "it belongs to somebody else than root"
        if any(_is_open_as(fd, looks) for fd in (0, 1, 2)):
            return "it is this job's own input or output"
        return None

    def _guard(self) -> None:
        """As root: who can write a folder on the way chooses the file."""
        if os.geteuid() != 0:
            return
        folder = Path(self.path).parent
        try:
            guard.check(folder, folder.stat(), guard.Guard.ROOT)
        except PolicyError as error:
            raise RefusedError(f"{error.file}: {error.message}", hint=error.hint, blame=self._demand.blame) from None

    def _separator(self) -> bytes:
        """What ends a line that a full disk cut short. Where the end can't be read: an empty line, whatever it is."""
        size = os.fstat(self._fd).st_size
        try:
            return b"" if size == 0 or os.pread(self._fd, 1, size - 1) == b"\n" else b"\n"
        except OSError:
            return b"\n"

    def _lock(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(_PAUSE_S)
            except OSError:
                return  # a file system without locks

    def _unlock(self) -> None:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        except OSError:
            return  # a file system without locks

    def _refused(self, why: str) -> RefusedError:
        blame = self._demand.blame
        hint = "name a file in a directory of yours" if blame["source"] == "option" else (
            f"{place(blame)} demands a line of every job there: no job runs until it can be written"
        )  # fmt: skip
        return RefusedError(f"{quoted(self.path)} can't be written: {why}", hint=hint, blame=blame)


def _lack_of_room(fd: int, size: int) -> str | None:
    """Whoever starts a job sets its limit on files (`ulimit -f`): with a low one it would run, and leave no line."""
    most, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if most != resource.RLIM_INFINITY and most < size + _ROOM:
        return "the limit on the size of files that sandbox was started with leaves no room for a line (ulimit -f)"
    system = os.fstatvfs(fd)
    free = (system.f_bfree if os.geteuid() == 0 else system.f_bavail) * system.f_frsize
    return "its disk is full" if system.f_blocks and free < _ROOM else None


def _is_open_as(fd: int, looks: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), looks)
    except OSError:
        return False
