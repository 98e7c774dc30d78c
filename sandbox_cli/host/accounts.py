"""Root's two kinds of account for jobs: a uid of a range, or, for firejail, a named account.

Neither may be anybody's: a job could read, signal and trace whatever else runs under its uid.
"""

from __future__ import annotations

import pwd
from pathlib import Path

from sandbox_cli.errors import HostError

UID_RANGE = (1900000000, 1900065535)
LAST_UID = 2**32 - 2  # -1 means "leave it alone" to setresuid
OVERFLOW_UIDS = (65534, 65535)  # nobody, and -1 in 16 bits
CONFIG = "/etc/sandbox/config.yaml"


def firejail_user(name: str) -> tuple[str, int, int, str]:
    """Name, uid, gid and home of the account that root's firejail jobs run as; HostError where it can't be."""
    make = f"make an account of its own: useradd --system --create-home {name}, and name it in {CONFIG}"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise HostError(f"firejail_user: there is no account {name}", hint=make) from None
    if entry.pw_uid == 0:
        raise HostError(f"firejail_user: {name} is root, which no job may be", hint=make)
    if name == "nobody" or entry.pw_uid in OVERFLOW_UIDS:
        raise HostError(f"firejail_user: firejail refuses {name}, and daemons share it", hint=make)
    home = Path(entry.pw_dir)
    if not (home.is_absolute() and home.is_dir() and home.stat().st_uid == entry.pw_uid):
        raise HostError(
            f"firejail_user: {name} has no home of its own ({entry.pw_dir})",
            hint=f"install -d -o {name} -m 0700 {entry.pw_dir}, or {make}",
        )
    return name, entry.pw_uid, entry.pw_gid, entry.pw_dir


def group_of(uid: int) -> int | None:
    """The group that an account logs in with."""
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return None


def home_of(uid: int) -> str | None:
    """Where an account lives."""
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return None


def check_uid_range(first: int, last: int) -> None:
    """HostError where the range isn't free, or isn't there in this user namespace."""
    hint = f"set uid_range in {CONFIG} to uids that nothing else uses"
    named = f"uid_range {first}-{last}"
    if not 0 < first <= last <= LAST_UID or any(first <= uid <= last for uid in OVERFLOW_UIDS):
        raise HostError(f"{named} is no range of ordinary uids", hint=hint)
    for what in ("uid_map", "gid_map"):
        if not is_mapped(Path("/proc/self", what), first, last):
            mapped = f"{hint}, and that /proc/self/{what} has; or start as an ordinary user"
            raise HostError(f"{named} isn't mapped in this user namespace (/proc/self/{what})", hint=mapped)
    if taken := _taken(first, last):
        raise HostError(f"{named} holds {taken}", hint=hint)


def is_mapped(table: Path, first: int, last: int) -> bool:
    """Whether one line of the map covers the whole range."""
    for line in table.read_text(encoding="ascii").splitlines():
        inside, _, count = map(int, line.split())
        if inside <= first and last < inside + count:
            return True
    return False


def _taken(first: int, last: int) -> str | None:
    """An account or a container's range within it. The files, not the name service: that may list a whole company."""
    for table, kind in (("/etc/passwd", "account"), ("/etc/group", "group")):
        for fields in _lines(Path(table)):
            if len(fields) > 2 and fields[2].isdecimal() and first <= int(fields[2]) <= last:
                return f"the {kind} {fields[0]} ({fields[2]})"
    for table in ("/etc/subuid", "/etc/subgid"):
        for fields in _lines(Path(table)):
            if len(fields) == 3 and fields[1].isdecimal() and fields[2].isdecimal():
                start, count = int(fields[1]), int(fields[2])
                if start <= last and first < start + count:
                    return f"uids that {table} gives to {fields[0]}"
    return None


def _lines(table: Path) -> list[list[str]]:
    try:
        text = table.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line.split(":") for line in text.splitlines() if line and not line.startswith("#")]
