"""Files into scratch, before the gate opens: through the directory's fd, never by a path that a job could bend."""

from __future__ import annotations

import errno
import os
import stat

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.run.tree import FOLDER, is_elsewhere, open_file
from sandbox_cli.slots import VALUE_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox_cli.run.model import Input

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a fifo in a file's place must not hold us
PIECE = 1 << 20  # bytes that are read at once

# inode, size, mtime, ctime, and a checksum: what is written through a mapping changes no time on a tmpfs
Identity = tuple[int, int, int, int, int]


def put(scratch: int, inputs: Iterable[Input], owner: tuple[int, int] | None) -> dict[bytes, Identity]:
    """Writes the inputs, as `owner` where that isn't us. Returns what each looks like, to know it again unchanged.

    Raises UsageError when one can't be read, HostError when scratch can't take it.
    """
    written: dict[bytes, Identity] = {}
    for name, source, mode in inputs:
        _refuse_value(name)
        try:
            if stat.S_ISDIR(mode):
                _put_folder(scratch, name, os.fsdecode(source), owner, written)
            else:
                written[name] = _put_file(scratch, name, _pieces(source), mode, owner)
        except OSError as error:
            shown = os.fsdecode(name or source)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise HostError(
                    f"the input {shown!r} does not fit into the job's scratch directory",
                    hint="raise limits.scratch_size or limits.scratch_files, or free some room on the disk",
                ) from error
            raise UsageError(f"can't put the input {shown!r} into scratch: {error.strerror}") from error
    return written


def _refuse_value(name: bytes) -> None:
    if name.split(b"/", 1)[0] == VALUE_FILE.encode():
        raise UsageError(f"the input {os.fsdecode(name)!r} has the name of the job's value", hint="name another")


def _put_folder(
    scratch: int, name: bytes, source: str, owner: tuple[int, int] | None, written: dict[bytes, Identity]
) -> None:
    """All that is in a folder, below `name`; what was put there before stays as it is."""
    from sandbox_cli.run import folder  # most jobs have none

    top = folder.open_top(source)
    try:
        os.close(make_folders(scratch, name, owner))
        for path, looks, target in folder.entries(top, source):
            if os.path.samestat(looks, os.fstat(scratch)):
                raise UsageError(f"{source!r} holds the job's own scratch directory", hint="name a folder further down")
            below = os.path.join(name, path)
            _refuse_value(below)
            if below in written:
                continue
            if stat.S_ISDIR(looks.st_mode):
                os.close(make_folders(scratch, below, owner))
            elif target is not None:
                written[below] = _put_link(scratch, below, target, owner)
            else:
                file = open_file(top, path)
                try:
                    pieces = _pieces_of(file)
                    written[below] = _put_file(scratch, below, pieces, 0o755 if looks.st_mode & 0o111 else 0o644, owner)
                finally:
                    os.close(file)
    finally:
        os.close(top)


def _put_file(scratch: int, path: bytes, pieces: Iterable[bytes], mode: int, owner: tuple[int, int] | None) -> Identity:
    from zlib import crc32

    checksum = 0
    above = make_folders(scratch, os.path.dirname(path), owner)
    try:
        fd = os.open(os.path.basename(path), NEW, mode, dir_fd=above)
    finally:
        os.close(above)
    try:
        os.fchmod(fd, mode)  # whatever our umask
        for piece in pieces:
            checksum = crc32(piece, checksum)
            write_all(fd, piece)
        if owner is not None:
            os.fchown(fd, *owner)
        return identity(os.fstat(fd), checksum)
    finally:
        os.close(fd)


def _put_link(scratch: int, path: bytes, target: bytes, owner: tuple[int, int] | None) -> Identity:
    folder, name = os.path.split(path)
    above = make_folders(scratch, folder, owner)
    try:
        os.symlink(target, name, dir_fd=above)
        if owner is not None:
            os.chown(name, *owner, dir_fd=above, follow_symlinks=False)
        return identity(os.stat(name, dir_fd=above, follow_symlinks=False), 0)
    finally:
        os.close(above)


def _pieces(source: bytes | str) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    file = os.open(source, _READ)
    try:
        yield from _pieces_of(file)
    finally:
        os.close(file)


def _pieces_of(file: int) -> Iterator[bytes]:
    if not stat.S_ISREG(os.fstat(file).st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    while piece := os.read(file, PIECE):
        yield piece


def make_folders(top: int, path: bytes, owner: tuple[int, int] | None) -> int:
    """Opens a folder below `top`, made where it is missing; a link in its place is refused."""
    fd = os.dup(top)
    for name in path.split(b"/") if path else []:
        try:
            os.mkdir(name, 0o755, dir_fd=fd)
            if owner is not None:
                os.chown(name, *owner, dir_fd=fd, follow_symlinks=False)
        except FileExistsError:
            pass
        except OSError:
            os.close(fd)
            raise
        try:
            inner = os.open(name, FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
        if owner is not None and is_elsewhere(fd, top):
            os.close(fd)
            raise OSError(errno.EXDEV, "something is mounted there")
    return fd


def write_all(fd: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def identity(looks: os.stat_result, checksum: int) -> Identity:
    return looks.st_ino, looks.st_size, looks.st_mtime_ns, looks.st_ctime_ns, checksum
