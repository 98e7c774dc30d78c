"""Walking a directory that a job wrote, perhaps still writes: no link is followed, and depth and number are bounded.

Each step names one entry of an open folder, never a path: a job can hand its folders to somebody who is still
there when it is dead, and who would put a link in a folder's place. Nor does root leave the tmpfs that it made, where
somebody with the job's account has mounted what only root may read.
"""

from __future__ import annotations

import errno
import os
import stat

from sandbox_cli.run.fds import close, own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Found = tuple[bytes, os.stat_result | None]

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WAY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC  # needs no permission to read it
DEEPEST = 128  # folders below one another: each that is entered holds an fd
MOST_NAMES = 1_000_000  # that are looked at
LONGEST_PATH = 4096  # bytes: what the kernel takes, so that a path that is told can be used
CLOSED = "can't be entered, or lies too deep"  # what there is to say of a None


def walk(top: int, *, opening: bool = False) -> Iterator[Found]:
    """Every path below a directory with its lstat; None with what can't be looked at, or lies too deep.

    What vanishes while it is looked at is left out. With `opening` folders of ours that were closed are
    opened: for a tree whose job is dead.
    """
    levels: list[tuple[int, bytes, list[str]]] = []  # an open folder, its path, and its folders that are still to do
    if opening and os.fstat(top).st_uid == os.geteuid():
        os.fchmod(top, 0o700)  # nothing can be named in a folder that may not be searched, not even itself
    try:
        yield from _descend(levels, top, top, ".", b"", opening=opening)
        while levels:
            fd, path, folders = levels[-1]
            if folders:
                name = folders.pop()
                yield from _descend(levels, top, fd, name, path + os.fsencode(name), opening=opening)
            else:
                close(levels.pop()[0])
    finally:
        close(*(fd for fd, _, _ in levels))


def _descend(
    levels: list[tuple[int, bytes, list[str]]], top: int, above: int, name: str, path: bytes, *, opening: bool
) -> Iterator[Found]:
    """Enters one folder, and tells what is in it before any of its own folders is entered."""
    if len(levels) >= DEEPEST or len(path) >= LONGEST_PATH:
        yield path, None
        return
    try:
        fd = own(_enter, top, above, name) if opening else own(_open, above, name)
    except FileNotFoundError:
        return
    except OSError:
        yield path, None  # it is closed, a link or a file stands there now, or no fd is left
        return
    folders: list[str] = []
    levels.append((fd, path + b"/" if path else b"", folders))
    if opening and os.fstat(fd).st_uid == os.geteuid():
        os.fchmod(fd, 0o700)  # one that may be read, but not searched, is open and yet closed
    try:
        entries = os.scandir(fd)  # not listdir: a look at a folder of millions must end in time
    except OSError:
        yield path, None
        return
    with entries:
        for entry in entries:
            try:
                found = os.stat(entry.name, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError:
                yield levels[-1][1] + os.fsencode(entry.name), None
                continue
            if stat.S_ISDIR(found.st_mode):
                folders.append(entry.name)
            yield levels[-1][1] + os.fsencode(entry.name), found


def _open(above: int, name: str) -> int:
    return os.open(name, FOLDER, dir_fd=above)


def _enter(top: int, above: int, name: str) -> int:
    fd = open_entry(above, name, FOLDER, 0o700)
    if is_elsewhere(fd, top):
        os.close(fd)
        raise OSError(errno.EXDEV, "something is mounted there")
    return fd


def open_entry(above: int | None, name: str | bytes, flags: int, mode: int) -> int:
    """Opens what stands in a folder; what is closed to us gets `mode` first."""
    try:
        return os.open(name, flags, dir_fd=above)
    except PermissionError:
        unlock(above, name, mode)
        return os.open(name, flags, dir_fd=above)


def unlock(above: int | None, name: str | bytes, mode: int) -> None:
    """chmod that follows no link: by an fd that needs no permission, whose mode only its name in /proc can change."""
    fd = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        os.chmod(f"/proc/self/fd/{fd}", mode)
    finally:
        os.close(fd)


def is_elsewhere(fd: int, top: int) -> bool:
    """Whether root has come to another file system than that of `top`."""
    return os.geteuid() == 0 and os.fstat(fd).st_dev != os.fstat(top).st_dev


def open_file(top: int, path: bytes, *, opening: bool = False) -> int:
    """Opens a regular file that a walk told, to be read; with `opening` one of ours that was closed, too.

    What stands there is looked at before it is opened, by the same fd: opening a fifo waits for its other end, and
    opening a device may do anything. Nor does it wait for whoever has a lease on the file.
    """
    folder, name = os.path.split(path)
    above = open_folder(top, b".", folder)
    try:
        way = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    finally:
        os.close(above)
    try:
        if not stat.S_ISREG(os.fstat(way).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if opening and is_elsewhere(way, top):
            raise OSError(errno.EXDEV, "it is mounted there")
        itself, flags = f"/proc/self/fd/{way}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            return os.open(itself, flags)
        except PermissionError:
            if not opening:
                raise
            os.chmod(itself, 0o600)
            return os.open(itself, flags)
    finally:
        os.close(way)


def open_folder(above: int | None, first: bytes, path: bytes) -> int:
    """Opens a folder below `first`, a step at a time, so that no link is followed on the way; not to be read."""
    fd = os.open(first, _WAY, dir_fd=above)
    for name in path.split(b"/"):
        try:
            inner = os.open(name or b".", _WAY, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd
