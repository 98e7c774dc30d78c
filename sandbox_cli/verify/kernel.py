"""The structures that calls fill, read: the same on every 64-bit machine."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from sandbox_cli.verify.calls import AT_FDCWD, Call, Of, Out, call

STATFS_BYTES, STATX_BYTES, LISTING_BYTES, TEXT_BYTES = 120, 256, 16384, 32768
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXECUTION = 1, 2, 4, 8  # ST_*
TMPFS = 0x0102_1994
_BASIC = 0x7FF  # STATX_BASIC_STATS
_NO_FOLLOW = 0x100  # AT_SYMLINK_NOFOLLOW


class Looks(NamedTuple):
    """Of a file (statx)."""

    mode: int
    uid: int
    inode: int
    device: int


class FileSystem(NamedTuple):
    """Of a mounted one (statfs)."""

    kind: int
    size_bytes: int
    files: int
    free_files: int
    flags: int


def statx(path: str) -> Call:
    return call("statx", AT_FDCWD, path, 0, _BASIC, Out(STATX_BYTES))


def looks(buffer: bytes) -> Looks:
    data = buffer.ljust(STATX_BYTES, b"\0")
    (uid,) = struct.unpack_from("=I", data, 20)
    (mode,) = struct.unpack_from("=H", data, 28)
    (inode,) = struct.unpack_from("=Q", data, 32)
    major, minor = struct.unpack_from("=II", data, 136)
    return Looks(mode, uid, inode, os.makedev(major, minor))


def statfs(path: str) -> Call:
    return call("statfs", path, Out(STATFS_BYTES))


def file_system(buffer: bytes) -> FileSystem:
    kind, unit, blocks, _, _, files, free, *_, flags = struct.unpack_from("=11q", buffer.ljust(STATFS_BYTES, b"\0"))
    return FileSystem(kind, unit * blocks, files, free, flags)


def reading(path: str, size: int = TEXT_BYTES) -> tuple[Call, Call]:
    return call("openat", AT_FDCWD, path, os.O_RDONLY | os.O_NONBLOCK), call("read", Of(0), Out(size), size)


def listing(path: str) -> tuple[Call, Call]:
    """Its first entries: all of them, where there are no more than some hundred."""
    opened = call("openat", AT_FDCWD, path, os.O_RDONLY | os.O_DIRECTORY)
    return opened, call("getdents64", Of(0), Out(LISTING_BYTES), LISTING_BYTES)


def entries(buffer: bytes, length: int) -> set[str]:
    """The names that getdents64 gave, without . and .., as text."""
    data, names, at = buffer.ljust(length, b"\0"), set[str](), 0
    while at + 19 <= length:
        (size,) = struct.unpack_from("=H", data, at + 16)
        if size < 20:
            break
        names.add(os.fsdecode(data[at + 19 : at + size].split(b"\0", 1)[0]))
        at += size
    return names - {".", ".."}


def making(path: str) -> tuple[Call, Call, Call]:
    """A file is made, written, and removed again."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    opened = call("openat", AT_FDCWD, path, flags, 0o600)
    return opened, call("write", Of(0), b"x", 1), call("unlinkat", AT_FDCWD, path, 0)


def changing(path: str) -> Call:
    """Takes an attribute away that no file has: the kernel looks first whether the mount is read-only."""
    return call("removexattr", path, "user.sandbox-verify")
