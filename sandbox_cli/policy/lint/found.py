"""What a rule finds, and where: the place in that file of the chain which said it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy.dotted import path_of

if TYPE_CHECKING:
    from sandbox_cli.policy.lint.table import Severity
    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.nodes import Spot


class Found(NamedTuple):
    """What a rule says of a clause. Without a line: of what no line says."""

    file: str
    line: int | None
    column: int | None
    clause: str | None
    message: str
    hint: str | None = None  # else the rule's own


class Finding(NamedTuple):
    """The same with its rule, for the policy that was checked."""

    policy: str
    rule: str
    severity: Severity
    file: str | None
    line: int | None
    column: int | None
    clause: str | None
    message: str
    hint: str | None


def at(spot: Spot | None, traced: Traced, clause: str, message: str, hint: str | None = None) -> Found:
    """At `spot`; without one, of the policy's own file as a whole."""
    if spot is None:
        return Found(traced.layers[-1].file, None, None, clause, message, hint)
    return Found(spot.file, spot.line, spot.column, clause, message, hint)


def spot_of(traced: Traced, clause: str) -> Spot | None:
    """Where a dotted clause, or the nearest around it, was said last."""
    path = path_of(clause)
    return next((spot for length in range(len(path), 0, -1) if (spot := traced.merged.spot(*path[:length]))), None)


def some(words: list[str], most: int = 6) -> str:
    """The first of them, and how many more."""
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")
