"""Who could have written a file, or put another one in its place: one that others can change is refused.

What stands in the system's places must be root's, and writable by root alone, whoever runs the tool: it binds them.
What stands in a user's own must be root's or theirs. The same goes for every folder on the way there, also by links.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import shlex
import stat
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from sandbox_cli.errors import PolicyError

ROOT = frozenset({0})
_MOST_LINKS = 40  # on the way to a file: the kernel follows no more
_OVERFLOW = Path("/proc/sys/kernel/overflowuid")
_ACL = "system.posix_acl_access"


class Guard(IntEnum):
    """Whose a file must be: anybody's, root's or the user's, root's alone. A stricter one is greater."""

    NONE = 0
    OWN = 1
    ROOT = 2


class _Rule(NamedTuple):
    """Who may own a file, and whose private group may write it."""

    owners: frozenset[int]
    group_of: int | None


def check(path: Path, status: os.stat_result, guard: Guard) -> None:
    """PolicyError where others could have written what was opened as `path`, or put it where it is."""
    if guard == Guard.NONE:
        return
    uid = os.geteuid()
    rule = _Rule(ROOT, None) if guard == Guard.ROOT or uid == 0 else _Rule(ROOT | {uid}, uid)
    _refuse_foreign(path, path, status, rule)
    try:
        # Whoever owns the first folder that isn't trusted can't hide it: all before it leads there.
        for folder in folders(path):
            _refuse_foreign(path, folder, folder.stat(), rule)
    except OSError as error:
        raise PolicyError(f"{error.filename} can't be examined: {error.strerror}", file=str(path)) from None


def _refuse_foreign(path: Path, what: Path, status: os.stat_result, rule: _Rule) -> None:
    subject = "it" if what == path else str(what)
    if status.st_uid == _overflow():
        raise PolicyError(
            f"{subject} belongs to nobody (uid {status.st_uid}): whose it is can't be told in this user namespace",
            file=str(path),
            hint="in a container, give it one that is root's there: copy it into the image, or map the host's root",
        )
    mend = _what_mends(what, status, rule)
    if mend:
        who = "root" if rule.owners == ROOT else "root and you"
        message = f"others than {who} can change {subject}, so it is not used"
        raise PolicyError(message, file=str(path), hint=" && ".join(mend))


def _what_mends(what: Path, status: os.stat_result, rule: _Rule) -> list[str]:
    """The commands after which nobody else can change it; none: nobody can."""
    name = shlex.quote(str(what))
    mend: list[str] = []
    if status.st_uid not in rule.owners:
        mend.append(f"chown {'root:root' if rule.group_of is None else rule.group_of} {name}")
    # In a sticky folder nobody can rename or remove what is another's.
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    by_group = status.st_mode & stat.S_IWGRP and not _is_private(status.st_gid, what, rule.group_of)
    if (by_group or status.st_mode & stat.S_IWOTH) and not sticky:
        mend.append(f"chmod go-w {name}")
    return mend


def _is_private(gid: int, what: Path, uid: int | None) -> bool:
    """Whether the group is the account's own and nobody else's, as Debian gives one to every user.

    An access list shows as what the group may do, but may be about others.
    """
    if uid is None or _has_access_list(what):
        return False
    try:
        account, group = pwd.getpwuid(uid), grp.getgrgid(gid)
    except KeyError:
        return False
    own = account.pw_gid == gid and group.gr_name == account.pw_name and set(group.gr_mem) <= {account.pw_name}
    return own and all(each.pw_uid == uid for each in pwd.getpwall() if each.pw_gid == gid)


def _has_access_list(what: Path) -> bool:
    try:
        return bool(os.getxattr(what, _ACL))
    except OSError as error:
        return error.errno not in {errno.ENODATA, errno.ENOTSUP}


def _overflow() -> int:
    """Whom files belong to whose owner this user namespace doesn't have."""
    try:
        return int(_OVERFLOW.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 65534


def folders(path: Path) -> set[Path]:
    """Every folder on the way to a file that is there, also by the links on it: who can write one chooses the file.
    Raises OSError where the way is another one meanwhile, and leads nowhere."""
    passed, at, left = {Path("/")}, Path("/"), list(reversed(path.parts[1:]))
    links = 0
    while left:
        name = left.pop()
        if name == "..":
            at = at.parent
        elif (at / name).is_symlink():
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = (at / name).readlink()
            at = Path("/") if target.is_absolute() else at
            left += [part for part in reversed(target.parts) if part != "/"]
        else:
            at = at / name
            passed |= {at} if left else set()
    return passed
