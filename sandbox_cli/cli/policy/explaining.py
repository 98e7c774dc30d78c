"""`sandbox policy explain`: what a policy means, who said it, and what becomes of it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import complete, output
from sandbox_cli.cli.options import Json, policy_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.cli.policy.shapes import CappedClause, ExplainedClause, HeldBy, PolicyExplained
    from sandbox_cli.plan.capped import Cap
    from sandbox_cli.plan.weighing import Examined, Weighed
    from sandbox_cli.policy.explain import Explained
    from sandbox_cli.policy.model import Policy

_RUNTIME = "language.runtime.command"


def explain(
    clause: Annotated[
        str | None,
        typer.Argument(
            metavar="CLAUSE",
            autocompletion=complete.clauses,
            help="A clause, as limits.memory, or a part, as limits; a path in the jail, as /srv; a system call, as "
            "syscalls.ptrace. Default: all that the policy says.",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        policy_option(help="The policy. Default: `command`."),
    ] = None,
    json: Json = False,
) -> int:
    """Say what a policy means, clause by clause, and why.

    Of each clause: what it comes to, which file and line said so, over what, and how each jailer would hold it here.
    """
    from sandbox_cli.cli import weighing
    from sandbox_cli.plan.request import FOR_COMMANDS

    found, tried = answer(policy or FOR_COMMANDS, clause)
    if json:
        output.say(output.as_line(found))
        return 0
    _print(found, alone=clause is not None)
    if clause is None:
        output.say("")
        weighing.tell(found["policy"], tried)
    return 0


def answer(policy: str, clause: str | None) -> tuple[PolicyExplained, Sequence[Weighed]]:
    """All that it prints, and all of each backend."""
    from sandbox_cli.plan import backends
    from sandbox_cli.plan.capped import capped
    from sandbox_cli.plan.weighing import weigh
    from sandbox_cli.policy import ceiling, trace
    from sandbox_cli.policy import config as configuration
    from sandbox_cli.policy.explain import explain as explained

    config, ceilings = configuration.load(), ceiling.load()  # a mistake in them is no jailer's problem
    traced = trace(policy)
    bounded, caps = capped(traced.policy, ceilings, config)
    told = explained(traced._replace(policy=bounded), clause)
    levelled = any(_levelled(each.clause) for each in told)
    names = backends.names() if levelled else []
    tried = [weigh(policy, name, config) for name in names]
    found: PolicyExplained = {
        "policy": traced.policy.name,
        "digest": traced.policy.digest,
        "ceiling": ceilings.digest,
        "files": list(traced.policy.files),
        "clauses": [_clause(each, bounded, caps, tried, asked=clause is not None) for each in told],
        "backends": [_examined(each) for each in tried],
    }
    return found, tried


def _clause(
    each: Explained, policy: Policy, caps: Sequence[Cap], tried: Sequence[Weighed], *, asked: bool
) -> ExplainedClause:
    from sandbox_cli.cli.policy.explained import chain_of

    held = [found for weighed in tried if (found := _held(each.clause, policy, weighed)) is not None]
    return {
        "clause": each.clause,
        "sentence": each.sentence,
        "notes": [*each.notes, *(_runtime(policy) if each.clause == _RUNTIME and asked else ())],
        "said": [chain_of(chain) for chain in each.chains],
        "ceiling": [_cap(cap) for cap in caps if _concerns(cap.clause, each)],
        "backends": held,
    }


def _runtime(policy: Policy) -> list[str]:
    """What would run code here: looking for it starts it, so only who asks about it gets to know."""
    from sandbox_cli.cli.languages import listed

    if policy.language is None:
        return []
    found = listed(policy)
    here = [f"here that is {each['path']} {each['version'] or ''}".rstrip() for each in found["runtimes"]]
    return here[:1] or ([found["missing"]] if found["missing"] else [])


def _concerns(clause: str, each: Explained) -> bool:
    """Whether what the ceiling does to `clause` is a part of what is told, or tells of it: a call is one of all."""
    around = clause == "syscalls" and each.clause.startswith("syscalls.")
    parts = (each.clause, *(chain.clause for chain in each.chains))
    return around or any(clause == part or clause.startswith(f"{part}.") for part in parts)


def _cap(cap: Cap) -> CappedClause:
    return {
        "clause": cap.clause,
        "refused": cap.refused,
        "said": cap.said,
        "allowed": cap.allowed,
        "file": cap.by["file"],
        "line": cap.by["line"],
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
