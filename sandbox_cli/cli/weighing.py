"""What each backend would do with a policy on this host: `doctor` tells it of all clauses, `policy explain` of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox_cli.cli.shapes import NotStrict, Weighed
    from sandbox_cli.job import Job
    from sandbox_cli.plan.choose import Choice
    from sandbox_cli.plan.levels import Held
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.config import Config
    from sandbox_cli.result import Clause


def decide(policy: str, backend: str | None, config: Config, *, best_effort: bool) -> tuple[Settled, Choice]:
    from sandbox_cli import plan

    job: Job = {"command": ["true"], "policy": policy, "backend": backend, "best_effort": best_effort}
    return plan.decide(job, config=config)


def weigh(policy: str, backend: str, config: Config) -> Weighed:
    """What a job would get of it, which tries its jailer; --best-effort, to see every clause's level."""
    from sandbox_cli.plan.choose import fix, short
    from sandbox_cli.plan.levels import told
    from sandbox_cli.plan.receipt import clauses

    weighed: Weighed = {
        "name": backend, "program": None, "version": None, "usable": False, "problem": None, "fix": None,
        "clauses": [], "not_strict": [],
    }  # fmt: skip
    try:
        settled, choice = decide(policy, backend, config, best_effort=True)
    except SandboxError as error:
        weighed["problem"] = _joined(short(gap) for gap in error.gaps) or str(error)
        weighed["fix"] = _joined(gap["fix"] for gap in error.gaps) or error.hint
        return weighed
    weighed["program"], weighed["version"] = choice.jailer.program, choice.jailer.version
    weighed["clauses"] = clauses(choice.held, settled.written, settled.effective)
    weighed["not_strict"] = [_not_strict(each) for each in told(choice.held) if each.asked and each.level != "strict"]
    lowered = [each for each in choice.held if each.lowered]
    weighed["usable"] = not lowered
    weighed["problem"] = _joined(f"{each.clause} would be {each.level}" for each in lowered)
    weighed["fix"] = _joined(fix(each) for each in lowered)
    return weighed


def tell(policy: str, tried: Sequence[Weighed]) -> None:
    """Which of them can't serve, how well the others hold each clause, and what would make that better."""
    for each in tried:
        if each["problem"]:
            output.say(output.shown(f"{each['name']}: {each['problem']}"))
            if each["fix"]:
                output.say(output.shown(f"  fix: {each['fix']}"))
    weighed = [each for each in tried if each["clauses"]]
    if weighed:
        output.say("")
        output.table((f"CLAUSE OF {policy}", *(each["name"] for each in weighed)), _levels(weighed))
        for line in _advice(weighed):
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


def _not_strict(held: Held) -> NotStrict:
    return {"clause": held.clause, "level": held.level, "reason": held.reason or "", "fix": held.fix}


def _joined(texts: Iterable[str | None]) -> str | None:
    """Each of them once."""
    return "; ".join(dict.fromkeys(filter(None, texts))) or None
