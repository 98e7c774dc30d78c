"""Files into scratch, before the gate opens: through the directory's fd, never by a path that a job could bend."""

from __future__ import annotations

import errno
import os
import stat

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.run.tree import FOLDER
from sandbox_cli.slots import VALUE_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox_cli.run.model import Input

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PIECE = 1 << 20  # bytes that are read at once

# inode, size, mtime, ctime, and a checksum: what is written through a mapping changes no time on a tmpfs
Identity = tuple[int, int, int, int, int]


def put(scratch: int, inputs: Iterable[Input], owner: tuple[int, int] | None) -> dict[bytes, Identity]:
    """Writes the inputs, as `owner` where that isn't us. Returns what each looks like, to know it again unchanged.

    Raises UsageError when one can't be read, HostError when scratch can't take it.
    """
    written: dict[bytes, Identity] = {}
    for name, source, mode in inputs:
        if name.split(b"/", 1)[0] == VALUE_FILE.encode():
            raise UsageError(f"the input {os.fsdecode(name)!r} has the name of the job's value", hint="name another")
        try:
            folder = make_folders(scratch, os.path.dirname(name), owner)
            try:
                written[name] = _put_one(folder, os.path.basename(name), source, mode, owner)
            finally:
                os.close(folder)
        except OSError as error:
            shown = os.fsdecode(name)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise HostError(
                    f"the input {shown!r} does not fit into the job's scratch directory",
                    hint="raise limits.scratch_size or limits.scratch_files, or free some room on the disk",
                ) from error
            raise UsageError(f"can't put the input {shown!r} into scratch: {error.strerror}") from error
    return written


def _put_one(folder: int, name: bytes, source: bytes | str, mode: int, owner: tuple[int, int] | None) -> Identity:
    from zlib import crc32

    fd = os.open(name, NEW, mode, dir_fd=folder)
    checksum = 0
    try:
        os.fchmod(fd, mode)  # whatever our umask
        for piece in [source] if isinstance(source, bytes) else _pieces_of(source):
            checksum = crc32(piece, checksum)
            write_all(fd, piece)
        if owner is not None:
            os.fchown(fd, *owner)
        return identity(os.fstat(fd), checksum)
    finally:
        os.close(fd)


def _pieces_of(path: str) -> Iterator[bytes]:
    source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        while piece := os.read(source, PIECE):
            yield piece
    finally:
        os.close(source)


def make_folders(top: int, path: bytes, owner: tuple[int, int] | None, made: set[bytes] | None = None) -> int:
    """Opens a folder below `top`, made where it is missing; a link in its place is refused.

    With `made`, the folders that this run made, so is any other that is there already: a job must not put files
    into the caller's own folders (.git/hooks). Raises FileExistsError for it.
    """
    fd = os.dup(top)
    below = b""
    for name in path.split(b"/") if path else []:
        below += name + b"/"
        try:
            os.mkdir(name, 0o755, dir_fd=fd)
            if made is not None:
                made.add(below)
            if owner is not None:
                os.chown(name, *owner, dir_fd=fd, follow_symlinks=False)
        except FileExistsError:
            if made is not None and below not in made:
                os.close(fd)
                raise
        except OSError:
            os.close(fd)
            raise
        try:
            inner = os.open(name, FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd


def write_all(fd: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def identity(looks: os.stat_result, checksum: int) -> Identity:
    return looks.st_ino, looks.st_size, looks.st_mtime_ns, looks.st_ctime_ns, checksum
