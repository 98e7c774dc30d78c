"""`sandbox policy explain`: what a policy means, who said it, and what becomes of it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import complete, output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.cli.shapes import Examined, ExplainedClause, HeldBy, PolicyExplained, Weighed
    from sandbox_cli.policy.explain import Explained
    from sandbox_cli.policy.model import Policy


def explain(
    clause: Annotated[
        str | None,
        typer.Argument(
            metavar="[CLAUSE]",
            autocompletion=complete.clauses,
            help="A clause, as limits.memory, or a part, as limits; a path in the jail, as /srv; a system call, as "
            "syscalls.ptrace. Default: all that the policy says.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            "-p",
            "--policy",
            metavar="NAME|PATH",
            autocompletion=complete.policies,
            help="The policy. Default: `command`.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Say what a policy means, clause by clause, and why.

    Of each clause: what it comes to, which file and line said so, over what, and how each jailer would hold it here.
    """
    from sandbox_cli.cli import weighing
    from sandbox_cli.plan.request import FOR_COMMANDS
    from sandbox_cli.policy import trace
    from sandbox_cli.policy.explain import explain as explained

    traced = trace(policy or FOR_COMMANDS)
    told = explained(traced, clause)
    tried = _tried(policy or FOR_COMMANDS) if any(_levelled(each.clause) for each in told) else []
    answer: PolicyExplained = {
        "policy": traced.policy.name,
        "digest": traced.policy.digest,
        "files": list(traced.policy.files),
        "clauses": [_clause(each, traced.policy, tried) for each in told],
        "backends": [_examined(each) for each in tried],
    }
    if json:
        output.say(output.as_line(answer))
        return 0
    _print(answer, alone=clause is not None)
    if clause is None:
        output.say("")
        weighing.tell(answer["policy"], tried)
    return 0


def _tried(policy: str) -> list[Weighed]:
    from sandbox_cli.cli import weighing
    from sandbox_cli.plan import backends
    from sandbox_cli.policy import config as configuration

    config = configuration.load()  # a mistake in it is no jailer's problem
    return [weighing.weigh(policy, name, config) for name in backends.names()]


def _clause(each: Explained, policy: Policy, tried: Sequence[Weighed]) -> ExplainedClause:
    from sandbox_cli.cli.policy.explained import chain_of

    held = [found for weighed in tried if (found := _held(each.clause, policy, weighed)) is not None]
    return {
        "clause": each.clause,
        "sentence": each.sentence,
        "notes": list(each.notes),
        "said": [chain_of(chain) for chain in each.chains],
        "backends": held,
    }


def _levelled(clause: str) -> str | None:
    """The clause that a backend holds, where it is one; of a requirement that which is required."""
    from sandbox_cli.policy.requirements import REQUIRED, table_key

    clause = clause.removeprefix("require.")
    return clause if clause and table_key(clause) in REQUIRED else None


def _held(clause: str, policy: Policy, weighed: Weighed) -> HeldBy | None:
    """What the backend does with it; None: it holds nothing here, or nothing is asked of it."""
    from sandbox_cli.policy.requirements import RANK, required, table_key
    from sandbox_cli.policy.words import UNBOUNDED

    held = _levelled(clause)
    if held is None:
        return None
    rows = {row["clause"]: row for row in weighed["clauses"]}
    row = rows.get(held) or rows.get(table_key(held))
    if row is None or row["effective"] == UNBOUNDED:
        return None
    short = next((each for each in weighed["not_strict"] if each["clause"] == row["clause"]), None)
    least = required(row["clause"], policy.require)
    return {
        "name": weighed["name"],
        "level": row["level"],
        "enforced_by": row["enforced_by"],
        "required": least,
        "enough": short is None or RANK[row["level"]] >= RANK[least],
        "reason": short["reason"] or None if short else None,
        "fix": short["fix"] if short else None,
    }


def _examined(weighed: Weighed) -> Examined:
    return {
        "name": weighed["name"],
        "program": weighed["program"],
        "version": weighed["version"],
        "usable": weighed["usable"],
        "problem": weighed["problem"],
        "fix": weighed["fix"],
    }


def _print(answer: PolicyExplained, *, alone: bool) -> None:
    from sandbox_cli.cli.policy.explained import lines

    for line in lines(answer, alone=alone):
        output.prose(line.text, strong=line.strong, indent=line.indent)
