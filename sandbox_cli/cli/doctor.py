"""`sandbox doctor`: what this host can enforce, by trying it, and the fix for what it cannot."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from sandbox_cli.cli import output, weighing
from sandbox_cli.cli.options import Json
from sandbox_cli.errors import SandboxError

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import ControlGroups, Doctor
    from sandbox_cli.policy.config import Config


def doctor(json: Json = False) -> int:
    """Try each jailer here, and say how well it holds a policy.

    The policy is `command`. Of each clause that is not held strictly it says why, and what would mend that.

    Exits 1 where no jailer can hold the policy.
    """
    import psutil

    from sandbox_cli.host import surroundings
    from sandbox_cli.plan import backends
    from sandbox_cli.plan.request import FOR_COMMANDS
    from sandbox_cli.policy import config as configuration

    config = configuration.load()  # a mistake in it is no jailer's problem
    answer: Doctor = {
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
        "backends": [weighing.weigh(FOR_COMMANDS, name, config) for name in backends.names()],
    }
    if json:
        output.say(output.as_line(answer))
    else:
        _print(answer)
    return 0 if answer["chosen"] else 1


def _groups() -> ControlGroups:
    """What can bound the job as a whole; how to get it where nothing can is told by the clauses that miss it."""
    from sandbox_cli.host import groups
    from sandbox_cli.host.model import Problem

    found = groups.find()
    if isinstance(found, Problem):
        return {"enforcer": None, "holds": [], "problem": found.reason, "fix": found.fix}
    return {"enforcer": found.enforcer, "holds": list(found.holds), "problem": None, "fix": None}


def _ceilings() -> list[str]:
    from sandbox_cli.policy import ceiling

    try:
        return [each.file for each in ceiling.load().each]
    except SandboxError:
        return []  # no jailer can be used then, and each says why


def _chosen(config: Config) -> str | None:
    from sandbox_cli.plan.request import FOR_COMMANDS

    try:
        return weighing.decide(FOR_COMMANDS, None, config, best_effort=False)[1].backend
    except SandboxError:
        return None


def _print(answer: Doctor) -> None:
    host = answer["host"]
    facts = [
        ("kernel", f"{host['kernel']} {host['machine']}"),
        ("machine", f"{host['cores']} cores, {host['memory_bytes'] >> 20} MiB"),
        ("account", "root" if host["uid"] == 0 else f"uid {host['uid']}"),
        ("container", host["container"] or "none seen"),
        ("control groups", host["groups"]["enforcer"] or f"none: {host['groups']['problem']}"),
        *(("ceiling", file) for file in answer["ceilings"]),
        ("jailer of a job", answer["chosen"] or "none"),
    ]
    output.table(("HOST", ""), facts)
    output.say("")
    rows = [
        (each["name"], "works" if each["usable"] else "no", each["version"] or "-", each["program"] or "-")
        for each in answer["backends"]
    ]
    output.table(("JAILER", "TRIED", "VERSION", "PROGRAM"), rows)
    weighing.tell(answer["policy"], answer["backends"])
