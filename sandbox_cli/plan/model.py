"""The Plan: the narrow waist between deciding and running.

Plain data (it can be marshalled): `run` needs nothing else, and decides nothing. What only the run
knows stands in its strings as a slot (slots.py).
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from sandbox_cli.result import Blame, Gap, Level, PolicyIdentity, Receipt, Runtime


class Limit(TypedDict):
    """A limit in its canonical unit (seconds, bytes, a count), who holds it, and whom to blame when it is hit."""

    value: float
    asked: str  # as a reader would write it: "512MiB"
    level: Level
    enforcer: str | None
    blame: Blame


class Account(TypedDict):
    """Who the job is. As root: the account of `uid`, or, where that is None, one of `uid_range` that no job has now."""

    root: bool
    uid: int | None
    gid: int | None
    uid_range: tuple[int, int]
    home: str  # the jailer's HOME, not the job's


class Scratch(TypedDict):
    """Where scratch comes from: the jailer's own tmpfs, or a directory of the host that the run makes.

    With `tmpfs`, `enter` mounts one of `size_bytes` and `files` inodes over that directory (root only).
    `shown` says that the directory keeps its own path in the jail (firejail): else it is /sandbox.
    """

    made_by: Literal["jailer", "run"]
    tmpfs: bool
    shown: bool
    size_bytes: int
    files: int


class Groups(TypedDict):
    """Where the job's control group is made: for each controller the directory of the group to make it in.

    For `systemd-scope` the supervisor enters a scope of its own first, and the directory is that one's.
    """

    enforcer: Literal["cgroup-v2", "cgroup-v1", "systemd-scope"]
    parents: dict[str, str]


class SealedMount(TypedDict):
    """A mount that must be there, and what is to be seen of it; what isn't said isn't looked at."""

    path: str  # in the jail
    flags: list[str]  # of its options: ro | rw, nosuid, nodev, noexec
    kind: NotRequired[str]  # the type of its file system
    part: NotRequired[list[str]]  # how the path of what is mounted ends, in the file system that it is part of: one of
    source: NotRequired[str]  # the host's path of what is mounted
    mode: NotRequired[int]  # its permissions
    size_bytes: NotRequired[int]  # at most
    files: NotRequired[int]


class SealFacts(TypedDict):
    """What must be seen from outside before the gate opens."""

    first: bool  # the launcher is the jail's PID 1

    namespaces: list[str]  # of user, pid, mnt, net, ipc, uts, cgroup: those that must not be the supervisor's
    hidden_namespaces: bool  # /proc/PID/ns can't be read here: NSpid, uid_map, mountinfo and net/dev serve
    interfaces: list[str] | None  # network interfaces in the jail; None where it is the host's network
    mounts: list[SealedMount]  # the last one of a path counts
    whole: bool  # nothing else is mounted, but for what the host has mounted below the source of one of these


class Artifacts(TypedDict):
    """Which files are collected, at most how many, and how large together."""

    collect: list[str]
    max_files: int
    max_bytes: int


class Step(TypedDict):
    """One program that runs in the jail, and its bounds."""

    command: list[str]  # the program (an absolute path) and its arguments, those of the job left out; may hold slots
    argv0: str  # what the program sees as its own name
    directory: str  # the working directory: scratch, or a directory of the caller's; may hold slots
    rlimits: list[tuple[int, int]]  # (RLIMIT_*, value), soft and hard alike
    limits: dict[str, Limit]


class Compile(Step):
    """What is run first, and makes the job's program of its code."""

    blame: Blame  # whose fault it is when that fails


class Plan(Step):
    """Everything that a run needs to know; as a step it is the job's own program."""

    backend: str
    program: str
    version: str
    argv: list[str]  # of the jailer, itself first; ends in the launcher's `init 3`
    data: list[bytes]  # content of the fds from DATA_FD on; may hold slots
    environ: list[str]  # the jailer's own: "K=V"
    watched: bool  # `enter` stays as the jailer's watcher, since a parent-death signal would not end all of it
    binds: list[tuple[str, str]]  # directories of the host that `enter` binds elsewhere first (root only)
    account: Account
    scratch: Scratch
    working_in: tuple[int, int] | None  # device and inode of a directory of the caller's that the job works in
    unwanted: list[str]  # paths of the host that aren't there, and that a job could only have made to do harm
    compile: Compile | None
    file: str | None  # the name of the job's code below scratch: a FILE's own, or what the policy calls a snippet
    environment: list[str]  # the job's: "K=V"; may hold slots
    filter: bytes  # BPF: instructions of struct sock_filter
    syscall_blame: Blame | None  # where the filter kills: what a SIGSYS is blamed on
    groups: Groups | None
    seal: SealFacts
    artifacts: Artifacts
    receipt: Receipt
    lowered: list[Gap]  # by --best-effort, for the caller's words: the run needs none of it
    policy: PolicyIdentity
    language: str | None
    runtime: Runtime | None
