"""Files of a job into a directory of the caller's: each whole or not at all, below that directory and nowhere else.

They are copied, also where a rename would do. A file that a job left can still be open in another one, which got it
through a socket, and nobody can tell: an fd that only names a file (O_PATH) stops no lease and shows in no count, and
opens it for writing whenever it likes. A copy is nobody's but the caller's.

Whoever is to see it sees all of it: it is written under a name of its own beside its place, and then put there.
"""

from __future__ import annotations

import os

from sandbox_cli.run.inputs import NEW
from sandbox_cli.run.tree import FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

TAKEN = "a file or a folder of that name is there already"
HIDDEN = "it is there already, and --force leaves what is hidden alone"
NO_FOLDER = "what stands in the place of its folder is none, or a link to one"
HALF = b".sandbox-"  # how a name begins under which a file is written, and may stay when we are killed


class NotSavedError(Exception):
    """It must not be saved there; its text says why."""


class Target:
    """The directory that files are saved in, by its fd.

    Nothing that was there before is replaced, and no folder entered: a job must not put files among the caller's own
    (.git/hooks). With `force` it is, but for folders, links to them, and all that is hidden.
    """

    def __init__(self, top: int, *, force: bool) -> None:
        self._top, self._force = top, force
        self._made: dict[bytes, tuple[int, int]] = {}  # our own folders, each with what it is known by

    def save(self, path: bytes, mode: int, write: Callable[[int], T]) -> T:
        """Makes a file, and has it written by `write`. Raises NotSavedError, or the OSError that kept it from that."""
        folder = self._open_folder(os.path.dirname(path))
        try:
            return self._save(folder, os.path.basename(path), mode, write)
        finally:
            os.close(folder)

    def _save(self, folder: int, name: bytes, mode: int, write: Callable[[int], T]) -> T:
        replace = self._force and not name.startswith(b".")
        if not replace and _is_there(folder, name):
            raise NotSavedError(HIDDEN if self._force else TAKEN)  # before much is copied for nothing
        half = HALF + os.urandom(8).hex().encode()
        fd = os.open(half, NEW, mode, dir_fd=folder)
        try:
            try:
                answer = write(fd)
            finally:
                os.close(fd)
            if replace:
                os.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)
                return answer
            _put(folder, half, name)
        except FileExistsError:
            os.unlink(half, dir_fd=folder)
            raise NotSavedError(TAKEN) from None
        except IsADirectoryError:
            os.unlink(half, dir_fd=folder)
            raise NotSavedError("a folder of that name is there already") from None
        except BaseException:
            os.unlink(half, dir_fd=folder)
            raise
        return answer

    def _open_folder(self, path: bytes) -> int:
        fd = os.dup(self._top)
        below = b""
        for name in path.split(b"/") if path else ():
            below += name + b"/"
            try:
                inner = self._enter(fd, name, below)
            finally:
                os.close(fd)
            fd = inner
        return fd

    def _enter(self, above: int, name: bytes, below: bytes) -> int:
        """Opens one folder, made where it is missing. One of ours must be the very one that we made."""
        ours = self._made.get(below)
        try:
            os.mkdir(name, 0o755, dir_fd=above)
            is_new = True
        except FileExistsError:
            is_new = False
            if ours is None and not self._force:
                raise NotSavedError(TAKEN) from None
            if ours is None and name.startswith(b"."):
                raise NotSavedError(HIDDEN) from None
        try:
            inner = os.open(name, FOLDER, dir_fd=above)
        except NotADirectoryError:
            raise NotSavedError(NO_FOLDER) from None
        looks = os.fstat(inner)
        found = looks.st_dev, looks.st_ino
        if is_new:
            self._made[below] = found
        elif ours is not None and found != ours:
            os.close(inner)
            raise NotSavedError(NO_FOLDER)
        return inner


def _is_there(folder: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _put(folder: int, half: bytes, name: bytes) -> None:
    """Gives a file its name, if nobody has that; a rename would take it away from whoever has."""
    try:
        os.link(half, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:  # a file system that knows no second name, as of most sticks: the name is taken, and then replaced
        os.close(os.open(name, NEW, 0o600, dir_fd=folder))
        os.rename(half, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(half, dir_fd=folder)
