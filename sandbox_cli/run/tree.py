"""Walking a directory that a job wrote: no link is followed, and neither depth nor length of a path can hurt."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
LONGEST_PATH = 16 << 10  # bytes; a tree of 2,000 folders passes, one made to eat the walker's memory doesn't
_PIECE = 2048  # the kernel takes 4095 bytes of path at a time


def walk(top: int, *, opening: bool = False) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """Every path below a directory with its lstat; None with a folder that can't be entered.

    What vanishes while it is looked at is left out. With `opening` closed folders of ours are opened: for a
    tree that nobody writes any more.
    """
    folders = [b""]
    while folders:
        path = folders.pop()
        try:
            fd = open_closed(top, path) if opening else open_below(top, path)
        except FileNotFoundError:
            continue
        except OSError:
            yield path, None
            continue
        try:
            with os.scandir(fd) as entries:
                for entry in entries:
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    below = (path + b"/" if path else b"") + os.fsencode(entry.name)
                    yield below, found
                    if stat.S_ISDIR(found.st_mode):
                        folders.append(below)
        finally:
            os.close(fd)


def open_closed(top: int, path: bytes, flags: int = FOLDER) -> int:
    """As `open_below`, for what may be closed to its owner: only root reads that as it is."""
    try:
        return open_below(top, path, flags)
    except PermissionError:
        folder, _, name = path.rpartition(b"/")
        above = open_below(top, folder)
        try:
            os.chmod(name, 0o700, dir_fd=above)
        finally:
            os.close(above)
        return open_below(top, path, flags)


def open_below(top: int, path: bytes, flags: int = FOLDER) -> int:
    """Opens a path below a directory, however long it is. Raises OSError."""
    if len(path) > LONGEST_PATH:
        raise OSError(36, os.strerror(36))  # ENAMETOOLONG
    names = path.split(b"/")
    fd = top
    try:
        while True:
            piece = names.pop(0) or b"."
            while names and len(piece) + len(names[0]) < _PIECE:
                piece += b"/" + names.pop(0)
            inner = os.open(piece, flags if not names else FOLDER, dir_fd=fd)
            if fd != top:
                os.close(fd)
            fd = inner
            if not names:
                return fd
    except OSError:
        if fd != top:
            os.close(fd)
        raise
