"""Walking a directory that a job wrote, perhaps still writes: no link is followed, and depth and number are bounded."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DEEPEST = 128  # folders below one another: each that is entered holds an fd
LONGEST_PATH = 4096  # bytes: what the kernel takes, so that a path that is told can be used


def walk(top: int, *, opening: bool = False) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """Every path below a directory with its lstat; None with what can't be looked at, or lies too deep.

    What vanishes while it is looked at is left out. With `opening` folders of ours that were closed are
    opened: for a tree that nobody writes any more. Each step names one entry of an open folder, so that no
    link that is put in a folder's place leads out.
    """
    levels: list[tuple[int, bytes, list[str]]] = []  # an open folder, its path, and its folders that are still to do
    if opening and os.fstat(top).st_uid == os.geteuid():
        os.fchmod(top, 0o700)  # nothing can be named in a folder that may not be searched, not even itself
    try:
        entered = _enter(top, ".", opening=opening)
        if entered is None:
            yield b"", None
            return
        levels.append((entered, b"", []))
        yield from _list(*levels[-1])
        while levels:
            fd, path, folders = levels[-1]
            if not folders:
                os.close(levels.pop()[0])
                continue
            name = folders.pop()
            below = path + os.fsencode(name)
            try:
                fits = len(levels) < DEEPEST and len(below) < LONGEST_PATH
                inner = _enter(fd, name, opening=opening) if fits else None
            except FileNotFoundError:
                continue
            if inner is None:
                yield below, None
                continue
            levels.append((inner, below + b"/", []))
            yield from _list(*levels[-1])
    finally:
        for fd, _, _ in levels:
            os.close(fd)


def _list(fd: int, path: bytes, folders: list[str]) -> Iterator[tuple[bytes, os.stat_result | None]]:
    """What is in one folder; its own folders are added to `folders`."""
    for name in os.listdir(fd):
        try:
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError:
            yield path + os.fsencode(name), None
            continue
        yield path + os.fsencode(name), found
        if stat.S_ISDIR(found.st_mode):
            folders.append(name)


def _enter(above: int, name: str, *, opening: bool) -> int | None:
    """Opens one folder of an open one; None: it is closed, or no folder any more. Raises FileNotFoundError."""
    try:
        fd = os.open(name, FOLDER, dir_fd=above)
    except PermissionError:
        if not opening:
            return None
        os.chmod(name, 0o700, dir_fd=above)
        fd = os.open(name, FOLDER, dir_fd=above)
    except FileNotFoundError:
        raise
    except OSError:
        return None  # a link or a file stands there now
    if opening and os.fstat(fd).st_uid == os.geteuid():
        os.fchmod(fd, 0o700)  # one that may be read, but not searched, is open and yet closed
    return fd


def open_file(top: int, path: bytes, flags: int) -> int:
    """Opens a file of a tree that nobody writes any more, and opens it to ourselves first where it is closed."""
    try:
        return os.open(path, flags, dir_fd=top)
    except PermissionError:
        os.chmod(path, 0o600, dir_fd=top)
        return os.open(path, flags, dir_fd=top)
