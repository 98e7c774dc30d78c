"""What `sandbox doctor` tells, as a program reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox_cli.api.results import Clause

if TYPE_CHECKING:
    from sandbox_cli.plan import doctor, weighing
    from sandbox_cli.result import Level


@dataclass(frozen=True, slots=True)
class NotStrict:
    """A clause that is held less than strictly."""

    clause: str
    level: Level
    reason: str
    fix: str | None  # None where nothing here would make it strict


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend, and how well it can hold each clause of the policy here."""

    name: str
    program: str | None  # the jailer's path
    version: str | None
    usable: bool
    problem: str | None  # why it is not
    fix: str | None  # what would help
    clauses: tuple[Clause, ...]
    not_strict: tuple[NotStrict, ...]


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """What can bound a job as a whole."""

    enforcer: str | None  # cgroup-v2, cgroup-v1, systemd-scope
    holds: tuple[str, ...]  # which limits
    problem: str | None  # why nothing can
    fix: str | None


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Of this machine, and of who asks."""

    uid: int
    kernel: str
    machine: str
    cores: int
    memory_bytes: int
    container: str | None
    groups: ControlGroups


@dataclass(frozen=True, slots=True)
class Doctor:
    """What this machine can enforce."""

    policy: str  # which the backends were asked about
    chosen: str | None  # the backend that a job gets; None where none can serve
    ceilings: tuple[str, ...]  # the files that bound every policy here
    host: HostFacts
    backends: tuple[Backend, ...]


def of_facts(facts: doctor.Doctor) -> Doctor:
    host = facts["host"]
    groups = host["groups"]
    return Doctor(
        policy=facts["policy"],
        chosen=facts["chosen"],
        ceilings=tuple(facts["ceilings"]),
        host=HostFacts(
            uid=host["uid"],
            kernel=host["kernel"],
            machine=host["machine"],
            cores=host["cores"],
            memory_bytes=host["memory_bytes"],
            container=host["container"],
            groups=ControlGroups(groups["enforcer"], tuple(groups["holds"]), groups["problem"], groups["fix"]),
        ),
        backends=tuple(_backend(each) for each in facts["backends"]),
    )


def _backend(weighed: weighing.Weighed) -> Backend:
    return Backend(
        name=weighed["name"],
        program=weighed["program"],
        version=weighed["version"],
        usable=weighed["usable"],
        problem=weighed["problem"],
        fix=weighed["fix"],
        clauses=tuple(Clause(**each) for each in weighed["clauses"]),
        not_strict=tuple(NotStrict(**each) for each in weighed["not_strict"]),
    )
