"""One jail to be tried: its policy on this host, and what of the host was put there for it to miss."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host import access

if TYPE_CHECKING:
    from sandbox_cli.host.access import Account
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Mount, Policy
    from sandbox_cli.verify.targets import Targets

SCRATCH = "/sandbox"


class Case(NamedTuple):
    """`policy` is the effective one: its mounts are brought to this host (plan/settle.py)."""

    policy: Policy
    host: Host
    backend: str
    uid_range: tuple[int, int]
    targets: Targets

    def differs(self, name: str) -> bool:
        """Whether the backend has that listed difference."""
        return name in BACKENDS[self.backend].DIFFERENCES

    @property
    def account(self) -> Account:
        """Whom a file of the host must be open to, so that the job can reach it."""
        host = self.host
        if not host.root:
            return access.caller()
        uids = self.uids
        return access.OTHERS if len(uids) > 1 else access.Account(uids[0], frozenset({self.gid or uids[0]}))

    @property
    def uids(self) -> range:
        """Whom the job may be."""
        host = self.host
        if not host.root:
            return range(host.uid, host.uid + 1)
        if BACKENDS[self.backend].SET_UID and host.firejail_user is not None:
            return range(host.firejail_user[1], host.firejail_user[1] + 1)
        if self.policy.directory is not None:
            owner = Path(self.policy.directory).stat().st_uid
            return range(owner, owner + 1)
        return range(self.uid_range[0], self.uid_range[1] + 1)

    @property
    def gid(self) -> int | None:
        """None: the same number as the uid."""
        host = self.host
        if not host.root:
            return host.gid
        if BACKENDS[self.backend].SET_UID and host.firejail_user is not None:
            return host.firejail_user[2]
        if self.policy.directory is not None:
            return Path(self.policy.directory).stat().st_gid
        return None

    def is_open(self, mount: Mount, wanted: int) -> bool:
        """Whether the host lets the job's account do that with what is mounted, as far as the file's own mode goes."""
        source = Path(mount.source or "/").resolve()
        return access.closed(source, self.account, wanted=wanted, below=source) is None


def is_folder(mount: Mount) -> bool:
    return stat.S_ISDIR(os.stat(mount.source or "/").st_mode)  # noqa: PTH116
