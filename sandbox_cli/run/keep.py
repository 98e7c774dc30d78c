"""--keep: scratch as the job left it, copied to a directory of the caller's, through the fd of scratch alone.

A copy, since most scratches are a tmpfs that goes with its jail. The job's last process is dead, but somebody else may
still write there: each name is opened in an open folder, nothing is followed, and size, number and time are bounded.
"""

from __future__ import annotations

import errno
import os
import stat

from sandbox_cli.errors import HostError
from sandbox_cli.run.content import Patience, StoppedError, pieces
from sandbox_cli.run.fds import close, own
from sandbox_cli.run.inputs import NEW, make_folders, write_all
from sandbox_cli.run.tree import CLOSED, FOLDER, MOST_NAMES, open_file, open_folder, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.result import Kept

_MOST_OMITTED = 1000
_ENDS = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE)  # nothing more can be kept
_REST = b"."  # what was left out, and is not named


class Keeping:
    """The directory, made before anything starts, and gone again where nothing was put into it."""

    def __init__(self, path: str) -> None:
        """Raises HostError."""
        self._path = path
        self._used = False
        try:
            os.mkdir(path, 0o700)
            self._fd = own(os.open, path, FOLDER)
        except OSError as error:
            hint = "make room there, or set TMPDIR to a directory of yours"
            raise HostError(f"scratch can't be kept in {path}: {error.strerror}", hint=hint) from error

    def take(self, scratch: int, most_bytes: float | None, cancel: int | None) -> Kept:
        """Copies what is in scratch, at most so many bytes; ends early when there is something to read in `cancel`.

        Files, folders and links; modes without set-uid, set-gid and sticky bits. Holes stay holes.
        """
        self._used = True
        copy = _Copy(scratch, self._fd, most_bytes, cancel)
        copy.run()
        return {"path": self._path, "omitted": copy.omitted}

    def close(self) -> None:
        close(self._fd)
        if not self._used:
            os.rmdir(self._path)


class _Copy:
    """One scratch on its way to the directory."""

    def __init__(self, scratch: int, target: int, most_bytes: float | None, cancel: int | None) -> None:
        self.omitted: list[tuple[bytes, str]] = []
        self._scratch, self._target, self._room = scratch, target, most_bytes
        self._patience = Patience(cancel)
        self._unnamed = 0

    def run(self) -> None:
        try:
            for number, (path, looks) in enumerate(walk(self._scratch, opening=True)):
                if number >= MOST_NAMES:
                    self._omit(_REST, f"there were more than {MOST_NAMES} names")
                    break
                self._patience.check()
                if looks is None:
                    self._omit(path or _REST, CLOSED)
                else:
                    self._take(path, looks)
        except StoppedError as stopped:
            self._omit(_REST, f"all that follows: {stopped}")
        if self._unnamed:
            self.omitted.append((_REST, f"and {self._unnamed} more"))

    def _take(self, path: bytes, looks: os.stat_result) -> None:
        """One file, folder or link; what can't be had, and what vanished, is left out."""
        above = None
        try:
            above = make_folders(self._target, os.path.dirname(path), None)
            name = os.path.basename(path)
            if stat.S_ISDIR(looks.st_mode):
                os.mkdir(name, 0o700, dir_fd=above)
                os.chmod(name, looks.st_mode & 0o777 | 0o700, dir_fd=above)  # ours to write: more is to come into it
            elif stat.S_ISREG(looks.st_mode):
                self._take_file(path, name, above, looks)
            elif stat.S_ISLNK(looks.st_mode):
                source = open_folder(self._scratch, b".", os.path.dirname(path))
                try:
                    os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=above)
                finally:
                    os.close(source)
            else:
                self._omit(path, "neither a file nor a folder nor a link")
        except OSError as error:
            if error.errno in _ENDS:
                raise StoppedError(error.strerror) from error
            self._omit(path, error.strerror or str(error))
        finally:
            close(above)

    def _take_file(self, path: bytes, name: bytes, above: int, looks: os.stat_result) -> None:
        source = open_file(self._scratch, path, opening=True)
        try:
            size = os.fstat(source).st_size
            target = os.open(name, NEW, 0o600, dir_fd=above)
            try:
                for piece, hole in pieces(source, size, self._patience):
                    if hole:
                        os.lseek(target, len(piece), os.SEEK_CUR)
                    else:
                        self._spend(len(piece))
                        write_all(target, piece)
                os.ftruncate(target, size)
                os.fchmod(target, looks.st_mode & 0o777)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _spend(self, size: int) -> None:
        if self._room is not None:
            self._room -= size
            if self._room < 0:
                raise StoppedError("there was more than scratch may hold")

    def _omit(self, path: bytes, reason: str) -> None:
        if len(self.omitted) < _MOST_OMITTED:
            self.omitted.append((path, reason))
        else:
            self._unnamed += 1
