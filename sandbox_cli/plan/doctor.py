"""What this machine can enforce, by trying it: what `sandbox doctor` tells."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

import psutil
from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.errors import SandboxError
from sandbox_cli.host import groups, surroundings
from sandbox_cli.host.model import Problem
from sandbox_cli.plan import backends
from sandbox_cli.plan.request import FOR_COMMANDS
from sandbox_cli.plan.weighing import Weighed, decide, weigh
from sandbox_cli.policy import ceiling
from sandbox_cli.policy import config as configuration

if TYPE_CHECKING:
    from sandbox_cli.policy.config import Config


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


class Doctor(TypedDict):
    """`sandbox doctor`: `chosen` is the backend that a job gets without --backend; null where none can serve.

    `ceilings` are the files that bound every policy here, the system's first; none is told of that can't be used.
    """

    policy: str
    chosen: str | None
    ceilings: list[str]
    host: HostFacts
    backends: list[Weighed]


def examine() -> Doctor:
    """Tries each jailer with the policy of commands. Raises PolicyError where the configuration can't be used."""
    config = configuration.load()  # a mistake in it is no jailer's problem
    return {
        "policy": FOR_COMMANDS,
        "chosen": _chosen(config),
        "ceilings": _ceilings(),
        "host": {
            "uid": os.geteuid(),
            "kernel": platform.release(),
            "machine": platform.machine(),
            "cores": psutil.cpu_count() or 1,
            "memory_bytes": psutil.virtual_memory().total,
            "container": surroundings.container(),
            "groups": _groups(),
        },
        "backends": [weigh(FOR_COMMANDS, name, config) for name in backends.names()],
    }


def _groups() -> ControlGroups:
    """What can bound the job as a whole; how to get it where nothing can is told by the clauses that miss it."""
    found = groups.find()
    if isinstance(found, Problem):
        return {"enforcer": None, "holds": [], "problem": found.reason, "fix": found.fix}
    return {"enforcer": found.enforcer, "holds": list(found.holds), "problem": None, "fix": None}


def _ceilings() -> list[str]:
    try:
        return [each.file for each in ceiling.load().each]
    except SandboxError:
        return []  # no jailer can be used then, and each says why


def _chosen(config: Config) -> str | None:
    try:
        return decide(FOR_COMMANDS, None, config, best_effort=False)[1].backend
    except SandboxError:
        return None
