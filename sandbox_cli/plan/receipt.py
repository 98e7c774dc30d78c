"""The receipt: of each clause what was asked, what holds, who holds it and how well; and the plan's limits with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.plan.levels import LIMITS, told
from sandbox_cli.plan.limits import blame
from sandbox_cli.policy import units
from sandbox_cli.policy.bounds import limit
from sandbox_cli.policy.requirements import OF_COMPILE
from sandbox_cli.policy.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sandbox_cli.plan.choose import Choice
    from sandbox_cli.plan.levels import Held
    from sandbox_cli.plan.model import Limit
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Clause, Receipt

LOWERED = "lowered by --best-effort"


def receipt(choice: Choice, written: Policy, effective: Policy) -> Receipt:
    """`written` is the policy as its files say it; `effective` is what this job gets here."""
    return {
        "backend": choice.backend,
        "version": choice.jailer.version,
        "program": choice.jailer.program,
        "chosen": choice.chosen,
        "seal": [],  # what was inspected is known once it was
        "clauses": clauses(choice.held, written, effective),
    }


def clauses(held: Sequence[Held], written: Policy, effective: Policy) -> list[Clause]:
    rows: list[Clause] = [
        {
            "clause": each.clause,
            "asked": words(each.clause, written),
            "effective": words(each.clause, effective),
            "level": each.level,
            "enforced_by": each.enforcer,
            "lowered": each.lowered,
            "note": "; ".join(filter(None, [*_notes(each, effective), each.reason])) or None,
        }
        for each in told(held)
    ]
    return rows + _fewer_artifacts(written, effective)


def _notes(held: Held, effective: Policy) -> Iterator[str | None]:
    yield LOWERED if held.lowered else None
    yield _clamped(held.clause, effective)


def _clamped(clause: str, effective: Policy) -> str | None:
    """Which line of the ceiling brought a number down."""
    said = effective.sources.get(clause)
    if said is None or said["source"] != "ceiling":
        return None
    return f"the ceiling allows no more ({said['file']}:{said['line']})"


def _fewer_artifacts(written: Policy, effective: Policy) -> list[Clause]:
    """What is collected has a line of its own where the ceiling has less of it collected."""
    return [
        {
            "clause": clause,
            "asked": units.format_value(kind, asked),
            "effective": units.format_value(kind, held),
            "level": "strict",
            "enforced_by": "supervisor",
            "lowered": False,
            "note": _clamped(clause, effective),
        }
        for clause, kind, asked, held in _collected(written, effective)
        if asked != held
    ]


def _collected(written: Policy, effective: Policy) -> Iterator[tuple[str, units.Kind, int, int]]:
    yield "artifacts.max_files", "count", written.artifacts.max_files, effective.artifacts.max_files
    yield "artifacts.max_bytes", "size", written.artifacts.max_bytes, effective.artifacts.max_bytes


def limits(held: Iterable[Held], effective: Policy, *, compiling: bool = False) -> dict[str, Limit]:
    """The limits that bound the job, or its compile step, as the run needs them.

    One that isn't bounded stands in the receipt alone.
    """
    found: dict[str, Limit] = {}
    for each in held:  # those of the compile step's own stand behind those of the job, and take their place
        if not each.clause.startswith((LIMITS, OF_COMPILE) if compiling else LIMITS):
            continue
        name, bounds = each.clause.rpartition(".")[2], limit(effective, each.clause)
        found.pop(name, None)
        if bounds is not None and (value := bounds.default) is not None:
            found[name] = {
                "value": value,
                "asked": units.format_limit(name, value),
                "level": each.level,
                "enforcer": each.enforcer,
                "blame": blame(effective, each.clause),
            }
    return found
