"""`sandbox doctor`: what this host can enforce, by trying it, and the fix for what it cannot."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json
from sandbox_cli.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox_cli.cli.shapes import ControlGroups, Doctor, NotStrict, Weighed
    from sandbox_cli.plan.choose import Choice
    from sandbox_cli.plan.levels import Held
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.config import Config
    from sandbox_cli.result import Clause


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
        "host": {
            "uid": os.geteuid(),
            "kernel": platform.release(),
            "machine": platform.machine(),
            "cores": psutil.cpu_count() or 1,
            "memory_bytes": psutil.virtual_memory().total,
            "container": surroundings.container(),
            "groups": _groups(),
        },
        "backends": [_weigh(name, config) for name in backends.names()],
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


def _decide(backend: str | None, config: Config, *, best_effort: bool) -> tuple[Settled, Choice]:
    from sandbox_cli.plan import decide

    return decide({"command": ["true"], "backend": backend, "best_effort": best_effort}, config=config)


def _chosen(config: Config) -> str | None:
    try:
        return _decide(None, config, best_effort=False)[1].backend
    except SandboxError:
        return None


def _weigh(backend: str, config: Config) -> Weighed:
    """What a job would get of it, which tries its jailer; --best-effort, to see every clause's level."""
    from sandbox_cli.plan.choose import fix
    from sandbox_cli.plan.levels import told
    from sandbox_cli.plan.receipt import clauses

    weighed: Weighed = {
        "name": backend, "program": None, "version": None, "usable": False, "problem": None, "fix": None,
        "clauses": [], "not_strict": [],
    }  # fmt: skip
    try:
        settled, choice = _decide(backend, config, best_effort=True)
    except SandboxError as error:
        weighed["problem"] = _joined(gap["reason"] for gap in error.gaps) or str(error)
        weighed["fix"] = _joined(gap["fix"] for gap in error.gaps) or error.hint
        return weighed
    weighed["program"], weighed["version"] = choice.jailer.program, choice.jailer.version
    weighed["clauses"] = clauses(choice.held, settled.written, settled.effective)
    weighed["not_strict"] = [_not_strict(each) for each in told(choice.held) if each.asked and each.level != "strict"]
    short = [each for each in choice.held if each.lowered]
    weighed["usable"] = not short
    weighed["problem"] = _joined(f"{each.clause} would be {each.level}" for each in short)
    weighed["fix"] = _joined(fix(each) for each in short)
    return weighed


def _not_strict(held: Held) -> NotStrict:
    return {"clause": held.clause, "level": held.level, "reason": held.reason or "", "fix": held.fix}


def _joined(texts: Iterable[str | None]) -> str | None:
    """Each of them once."""
    return "; ".join(dict.fromkeys(filter(None, texts))) or None


def _print(answer: Doctor) -> None:
    host = answer["host"]
    facts = [
        ("kernel", f"{host['kernel']} {host['machine']}"),
        ("machine", f"{host['cores']} cores, {host['memory_bytes'] >> 20} MiB"),
        ("account", "root" if host["uid"] == 0 else f"uid {host['uid']}"),
        ("container", host["container"] or "none seen"),
        ("control groups", host["groups"]["enforcer"] or f"none: {host['groups']['problem']}"),
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
        for line in _advice(tried):
            output.say(output.shown(line))


def _levels(tried: Sequence[Weighed]) -> list[list[str]]:
    """One row a clause: its level on each backend, with who holds it. `*`: it is not strict, which is explained.

    `-`: the policy asks for nothing.
    """
    by_backend = [{row["clause"]: row for row in each["clauses"]} for each in tried]
    clauses = dict.fromkeys(clause for rows in by_backend for clause in rows)
    return [[clause, *(_cell(rows.get(clause)) for rows in by_backend)] for clause in clauses]


def _cell(row: Clause | None) -> str:
    from sandbox_cli.policy.words import UNBOUNDED

    if row is None or row["effective"] == UNBOUNDED:
        return "-"
    holder = f" ({row['enforced_by']})" if row["enforced_by"] else ""
    return f"{row['level']}{holder}{'' if row['level'] == 'strict' else '*'}"


def _advice(tried: Sequence[Weighed]) -> list[str]:
    """Why a clause is not strict and what would make it so, each once, with the backends that it is true of."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for each in tried:
        for short in each["not_strict"]:
            fix = f"fix: {short['fix']}" if short["fix"] else "nothing here makes it strict"
            key = (short["clause"], short["reason"], fix)
            found.setdefault(key, []).append(each["name"])
    lines = [
        (f"* {clause} ({', '.join(names)}): {reason}", f"  {fix}") for (clause, reason, fix), names in found.items()
    ]
    return [line for pair in lines for line in pair]
