"""`sandbox doctor`: what this host can enforce, by trying it, and the fix for what it cannot."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json
from sandbox_cli.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.cli.shapes import Doctor, Weighed
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.result import Clause


def doctor(json: Json = False) -> int:
    """Try each jailer here, and say how well it holds what.

    Exits 1 where none of them can hold the default policy.
    """
    import psutil

    from sandbox_cli.host import surroundings
    from sandbox_cli.plan import backends
    from sandbox_cli.plan.request import FOR_COMMANDS
    from sandbox_cli.policy import config

    config.load()  # a mistake in it is no jailer's problem
    answer: Doctor = {
        "policy": FOR_COMMANDS,
        "chosen": _chosen(),
        "host": {
            "uid": os.geteuid(),
            "kernel": platform.release(),
            "machine": platform.machine(),
            "cores": psutil.cpu_count() or 1,
            "memory_bytes": psutil.virtual_memory().total,
            "container": surroundings.container(),
        },
        "backends": [_weigh(name) for name in backends.names()],
    }
    if json:
        output.say(output.as_line(answer))
    else:
        _print(answer)
    return 0 if answer["chosen"] else 1


def _compile(backend: str | None, *, best_effort: bool) -> Plan:
    from sandbox_cli.plan import compile  # noqa: A004

    return compile({"command": ["true"], "backend": backend, "best_effort": best_effort})


def _chosen() -> str | None:
    try:
        return _compile(None, best_effort=False)["backend"]
    except SandboxError:
        return None


def _weigh(backend: str) -> Weighed:
    """A plan for it, which no job gets before its jailer was tried; --best-effort, to see every clause's level."""
    weighed: Weighed = {
        "name": backend, "program": None, "version": None, "usable": False, "problem": None, "fix": None, "clauses": [],
    }  # fmt: skip
    try:
        plan = _compile(backend, best_effort=True)
    except SandboxError as error:
        reasons = "; ".join(dict.fromkeys(gap["reason"] for gap in error.gaps))
        weighed["problem"], weighed["fix"] = reasons or error.message, error.hint
        return weighed
    weighed["program"], weighed["version"] = plan["program"], plan["version"]
    weighed["clauses"] = plan["receipt"]["clauses"]
    short = [f"{row['clause']} would be {row['level']}" for row in weighed["clauses"] if row["lowered"]]
    weighed["usable"] = not short
    weighed["problem"] = "; ".join(short) or None
    return weighed


def _print(answer: Doctor) -> None:
    host = answer["host"]
    facts = [
        ("kernel", f"{host['kernel']} {host['machine']}"),
        ("machine", f"{host['cores']} cores, {host['memory_bytes'] >> 20} MiB"),
        ("account", "root" if host["uid"] == 0 else f"uid {host['uid']}"),
        ("container", host["container"] or "none seen"),
        ("jailer of a job", answer["chosen"] or "none"),
    ]
    output.table(("HOST", ""), facts)
    output.say("")
    rows = [
        (each["name"], "works" if each["usable"] else "no", each["version"] or "-", each["program"] or "-")
        for each in answer["backends"]
    ]
    output.table(("JAILER", "TRIED", "VERSION", "PROGRAM"), rows)
    for each in answer["backends"]:
        if each["problem"]:
            output.say(output.shown(f"{each['name']}: {each['problem']}"))
            if each["fix"]:
                output.say(output.shown(f"  fix: {each['fix']}"))
    tried = [each for each in answer["backends"] if each["clauses"]]
    if tried:
        output.say("")
        output.table((f"CLAUSE OF {answer['policy']}", *(each["name"] for each in tried)), _levels(tried))
        for note in _notes(tried):
            output.say(output.shown(note))


def _levels(tried: Sequence[Weighed]) -> list[list[str]]:
    """One row a clause: its level on each backend, with who holds it. `*`: there is a note."""
    by_backend = [{row["clause"]: row for row in each["clauses"]} for each in tried]
    clauses = dict.fromkeys(clause for rows in by_backend for clause in rows)
    return [[clause, *(_cell(rows.get(clause)) for rows in by_backend)] for clause in clauses]


def _cell(row: Clause | None) -> str:
    if row is None:
        return "-"
    holder = f" ({row['enforced_by']})" if row["enforced_by"] else ""
    return f"{row['level']}{holder}{'*' if row['note'] else ''}"


def _notes(tried: Sequence[Weighed]) -> list[str]:
    """Each note once, with those that it is true of."""
    told: dict[tuple[str, str], list[str]] = {}
    for each in tried:
        for row in each["clauses"]:
            if row["note"]:
                told.setdefault((row["clause"], row["note"]), []).append(each["name"])
    return [f"* {clause} ({', '.join(names)}): {note}" for (clause, note), names in told.items()]
