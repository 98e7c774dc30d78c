"""The facts of this machine that a plan needs."""

from __future__ import annotations

import os
import platform
import pwd
import re
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import HostError
from sandbox_cli.host import accounts, groups
from sandbox_cli.host.access import OTHERS, Account, caller
from sandbox_cli.host.jailers import find_jailer
from sandbox_cli.host.model import Host, Jailer, ProcEntry
from sandbox_cli.host.nproc import Proof

if TYPE_CHECKING:
    from sandbox_cli.backends.base import Backend

FirejailUser = tuple[str, int, int, str]


def look(
    backends: Iterable[Backend],
    *,
    path: str | None = None,
    uid_range: tuple[int, int] = accounts.UID_RANGE,
    firejail_user: str | None = None,
) -> Host:
    """What this machine offers to `backends`.

    Each jailer costs a process or two to ask: name one alone where only one matters. `path` is where
    else to look than in the system's folders: by default the caller's PATH.
    """
    root = os.geteuid() == 0
    path = os.environ.get("PATH") if path is None else path
    user, user_error = _firejail_user(firejail_user) if root else (None, None)
    range_error = _uid_range_error(uid_range) if root else None
    kernel = kernel_version()
    proof = Proof(kernel, uid_range[1] if root and not range_error else None)
    jailers: dict[str, Jailer] = {}
    for backend in backends:
        account = _account(user if backend.SET_UID else None) if root else caller()
        if found := find_jailer(backend, path=path, account=account):
            jailers[backend.NAME] = _with_error(found, user_error if backend.SET_UID else range_error)
    entries = sorted(Path("/").iterdir())
    return Host(
        uid=os.geteuid(),
        gid=os.getegid(),
        kernel=kernel,
        machine=platform.machine(),
        jailers=jailers,
        root_entries=tuple(entry.name for entry in entries),
        root_links={entry.name: str(entry.readlink()) for entry in entries if entry.is_symlink()},
        home=_home(os.geteuid()),
        firejail_user=user,
        groups=groups.find(),
        group_mounts=groups.mount_points(),
        proc=_proc(),
        nproc_in_namespace=proof.holds(),
    )


def kernel_version() -> tuple[int, int]:
    told = re.match(r"(\d+)\.(\d+)", platform.release())
    return (int(told[1]), int(told[2])) if told else (0, 0)


def _proc() -> dict[str, ProcEntry]:
    """What anybody may open in /proc, but for processes and links."""
    found: dict[str, ProcEntry] = {}
    for entry in Path("/proc").iterdir():
        mode = 0 if entry.name.isdecimal() else entry.lstat().st_mode
        if stat.S_ISDIR(mode):
            found[entry.name] = "folder"
        elif mode & (stat.S_IROTH | stat.S_IWOTH) and not stat.S_ISLNK(mode):
            found[entry.name] = "file"
    return found


def _home(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_dir
    except KeyError:
        return "/"


def _account(user: FirejailUser | None) -> Account:
    """Whom root starts a jailer as."""
    return Account(user[1], frozenset(os.getgrouplist(user[0], user[2]))) if user else OTHERS


def _firejail_user(name: str | None) -> tuple[FirejailUser | None, HostError | None]:
    if name is None:
        hint = f"name an account with a home of its own as firejail_user in {accounts.CONFIG}"
        return None, HostError("it needs an account for root's jobs, and firejail_user isn't set", hint=hint)
    try:
        return accounts.firejail_user(name), None
    except HostError as error:
        return None, error


def _uid_range_error(uid_range: tuple[int, int]) -> HostError | None:
    try:
        accounts.check_uid_range(*uid_range)
    except HostError as error:
        return error
    return None


def _with_error(jailer: Jailer, error: HostError | None) -> Jailer:
    """The jailer; where nothing else is wrong with it, with what is wrong with its account."""
    if jailer.problem or error is None:
        return jailer
    return replace(jailer, problem=error.message, fix=error.hint)
