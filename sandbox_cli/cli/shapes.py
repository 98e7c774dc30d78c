"""What the commands other than `run` and `exec` print with --json; docs/ has the schema of each."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.plan.weighing import Examined
from sandbox_cli.result import Clause, PolicyIdentity
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
