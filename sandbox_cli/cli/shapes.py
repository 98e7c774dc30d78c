"""What the commands other than `run` and `exec` print with --json; docs/ has the schema of each."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.result import Clause, Level, PolicyIdentity
from sandbox_cli.verify.attempts import Attempt


class Rendered(TypedDict):
    """`sandbox render`: sh that starts the same jail by hand, and the clauses that it does not hold."""

    backend: str
    version: str
    program: str
    policy: PolicyIdentity
    script: str
    not_held: list[Clause]


class ListedRuntime(TypedDict):
    """An interpreter or compiler that a job can run; `default` is the one that is taken without a version."""

    path: str
    version: str | None
    default: bool


class ListedLanguage(TypedDict):
    """`missing` says why there is no runtime to run it with; null where there is one."""

    name: str
    aliases: list[str]
    policy: str
    runtimes: list[ListedRuntime]
    missing: str | None


class Languages(TypedDict):
    """`sandbox languages`."""

    languages: list[ListedLanguage]


class ControlGroups(TypedDict):
    """Who bounds a job as a whole, and which limits; or why nobody does, and what would help."""

    enforcer: str | None
    holds: list[str]
    problem: str | None
    fix: str | None


class HostFacts(TypedDict):
    """Of this machine and of who asks."""

    uid: int
    kernel: str
    machine: str
    cores: int
    memory_bytes: int
    container: str | None
    groups: ControlGroups


class NotStrict(TypedDict):
    """A clause that is held less than strictly: why, and what would make it strict; null where nothing here would."""

    clause: str
    level: Level
    reason: str
    fix: str | None


class Examined(TypedDict):
    """A backend: whether it can hold the policy here, or why not and what would help."""

    name: str
    program: str | None
    version: str | None
    usable: bool
    problem: str | None
    fix: str | None


class Weighed(Examined):
    """A backend, and how well it can hold each clause of the policy here; or why not, and what would help."""

    clauses: list[Clause]
    not_strict: list[NotStrict]


class Doctor(TypedDict):
    """`sandbox doctor`: `chosen` is the backend that a job gets without --backend; null where none can serve.

    `ceilings` are the files that bound every policy here, the system's first; none is told of that can't be used.
    """

    policy: str
    chosen: str | None
    ceilings: list[str]
    host: HostFacts
    backends: list[Weighed]


class Cleaned(TypedDict):
    """`sandbox clean`: what crashed runs had left, and is gone now."""

    removed: list[str]


class VerifiedBackend(Examined):
    """A backend, and what came of each attempt in its jail; or why it makes none here, and what would help."""

    attempts: list[Attempt]


class Verified(TypedDict):
    """`sandbox verify`: `failures` counts the attempts, of all jailers, that are `escaped` or `broken`."""

    policy: str
    uid: int
    failures: int
    backends: list[VerifiedBackend]
