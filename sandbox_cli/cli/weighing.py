"""How well each backend holds a policy here, as text: `doctor` tells it of all clauses, `policy explain` of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.plan.weighing import Weighed
    from sandbox_cli.result import Clause


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
