"""The file of results that a batch goes on with: each job has at most one in it, whatever ended the batch before.

A line is written by one write(2), and counts when it is there whole. So `kill -9` costs at most a part of one line, at
the end of the file, which the next start takes away; its job, and those that were running, are run then. Nothing but
such a part is ever taken away: a file that holds anything else than results is refused as it stands.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from contextlib import ExitStack, suppress

from sandbox_cli.batch.recorded import Recorded, recorded
from sandbox_cli.batch.seen import Seen
from sandbox_cli.errors import UsageError
from sandbox_cli.text import quoted

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_PATIENCE_S = 1.0  # for the lock: what a killed batch was just starting may hold it until its exec
_PAUSE_S = 0.01
_READ_AHEAD = 1 << 20
_MOST_TOLD = 3
_SYNC_S = 1.0
_SYNC_SHARE = 50  # no more than this part of the time goes into syncing: there are disks that take half a second for it


class ResultsFile:
    """Opened, or made, for one batch alone. For one thread at a time.

    Raises UsageError for what is no file of results, or can't be written.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.finished = Seen()  # the ids that have a result
        self.count = 0  # of them
        self.doubled: list[str] = []  # the first few ids that have more than one
        self.cut_bytes = 0  # of a result that was not all there
        with ExitStack() as undo:
            undo.callback(self.finished.close)
            self._fd = self._open()
            undo.callback(os.close, self._fd)
            self._check(os.fstat(self._fd))
            self._lock()
            self._read()
            undo.pop_all()
        self._torn_at: int | None = None
        self._next_sync = time.monotonic() + _SYNC_S

    def append(self, line: bytes) -> None:
        """One whole line. Raises OSError where not all of it could be written; nothing of it stays then."""
        self._mend()
        looks = os.fstat(self._fd)
        if looks.st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, "somebody removed it")
        self._torn_at = looks.st_size
        left = memoryview(line)
        try:
            while left:  # the disk may have room for a part
                left = left[os.write(self._fd, left) :]
        except OSError:
            self._mend()
            raise
        self._torn_at = None
        if time.monotonic() >= self._next_sync:
            self._sync()

    def close(self) -> None:
        """All is on the disk then. Raises OSError where that failed."""
        try:
            self._mend()
            self._sync()
        finally:
            os.close(self._fd)  # and with it goes the lock
            self.finished.close()

    def _mend(self) -> None:
        """Take away the part of a line that could not be written: the next one must not stand behind it."""
        if self._torn_at is not None:
            os.ftruncate(self._fd, self._torn_at)
            self._torn_at = None

    def _sync(self) -> None:
        began = time.monotonic()
        os.fdatasync(self._fd)
        ended = time.monotonic()
        self._next_sync = ended + max(_SYNC_S, (ended - began) * _SYNC_SHARE)

    def _open(self) -> int:
        try:
            with suppress(FileNotFoundError):
                self._check(os.stat(self.path))  # noqa: PTH116 (pathlib takes "" for "."); a device may act when it is opened
            return os.open(self.path, _FLAGS, 0o666)
        except OSError as error:
            raise self._unusable(f"can't be written: {error.strerror}") from None

    def _check(self, looks: os.stat_result) -> None:
        if not stat.S_ISREG(looks.st_mode):
            raise self._unusable("is no regular file, and only such a one can be gone on with")

    def _lock(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    hint = "wait until it has ended, or name another file"
                    raise self._unusable("is being written by another batch", hint) from None
                time.sleep(_PAUSE_S)
            except OSError:
                return  # a file system without locks

    def _read(self) -> None:
        last: Recorded | None = None
        with open(self._fd, "rb", buffering=_READ_AHEAD, closefd=False) as file:
            for last in recorded(file):
                if last.id is not None:
                    self._add(last.id)
                elif not last.is_torn:
                    hint = "take that line out, and its job is run again; or name another file"
                    raise self._unusable(f"holds something else than results: line {last.number}", hint)
        if last is not None and not last.is_ended:
            self._repair(last)

    def _add(self, name: str) -> None:
        if self.finished.add(name):
            self.count += 1
        elif len(self.doubled) < _MOST_TOLD:
            self.doubled.append(name)

    def _repair(self, last: Recorded) -> None:
        """The last line lacks its end. A result that is all there lacks nothing else: an object says where it ends."""
        try:
            if last.id is not None:
                os.write(self._fd, b"\n")
            else:
                os.ftruncate(self._fd, last.start)
                self.cut_bytes = last.end - last.start
        except OSError as error:
            raise self._unusable(f"ends with a torn line, which can't be taken away: {error.strerror}") from None

    def _unusable(self, why: str, hint: str = "name a file of results, or one that is to be made") -> UsageError:
        return UsageError(f"--resume {quoted(self.path)} {why}", hint=hint)
