"""Who can change a file, and who can reach it: both are questions about every folder above it as well."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import NamedTuple


class Account(NamedTuple):
    """Whom a file must be open to. `uid` None is any uid of the range: it owns nothing and is in no group."""

    uid: int | None
    gids: frozenset[int] = frozenset()


OTHERS = Account(None)


def caller() -> Account:
    """Whoever runs this process."""
    return Account(os.geteuid(), frozenset({os.getegid(), *os.getgroups()}))


def untrusted(path: Path) -> str | None:
    """Who but root could replace what the resolved `path` names; None: nobody.

    A folder that others can write is as bad as a file, unless it is sticky: then the names that are there
    are safe with their owner, and each part that `path` goes on with must be root's.
    """
    for part in _parts(path):
        status = part.stat()
        if status.st_uid != 0:
            return f"{part} belongs to {user_name(status.st_uid)}, not to root"
        kept = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX and part != path
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not kept:
            return f"{part} can be written by {'others' if status.st_mode & stat.S_IWOTH else 'its group'}"
    return None


def closed(path: Path, account: Account, *, wanted: int = os.R_OK | os.X_OK, below: Path | None = None) -> Path | None:
    """The first part of the resolved `path`, from `below` on, that is closed to `account`; None: the file is open.

    `wanted` is asked of the file itself; every folder must let the account pass.
    """
    for part in _parts(path):
        if below is not None and not part.is_relative_to(below):
            continue
        if not _open_to(part, account, wanted if part == path else os.X_OK):
            return part
    return None


def is_file(path: Path) -> bool:
    """Whether a regular file is there for us to see."""
    try:
        return path.is_file()
    except OSError:  # a folder above it is closed
        return False


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _open_to(path: Path, account: Account, wanted: int) -> bool:
    if account.uid is not None and account.uid == os.geteuid():
        return os.access(path, wanted)  # the kernel's own answer knows ACLs
    status = path.stat()
    shift = 6 if account.uid == status.st_uid else 3 if status.st_gid in account.gids else 0
    return (status.st_mode >> shift) & wanted == wanted


def _parts(path: Path) -> list[Path]:
    """`/`, `/usr`, `/usr/bin`, `/usr/bin/bwrap`."""
    return [*reversed(path.parents), path]
