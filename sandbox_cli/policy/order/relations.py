"""What one thing allows against another: the four answers there are, and how those of parts make that of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Set

Relation = Literal["equal", "tighter", "looser", "incomparable"]


class Difference(NamedTuple):
    """`relation` is what `after` is to `before`; these are in words."""

    clause: str
    relation: Relation
    before: str
    after: str


def relation(*, more: bool, less: bool) -> Relation:
    """Of what allows something more than another does, or something less, or both, or neither."""
    if more:
        return "incomparable" if less else "looser"
    return "tighter" if less else "equal"


def together(relations: Iterable[Relation]) -> Relation:
    """Of a whole whose parts are so: it is looser where some are and none is tighter."""
    found = set(relations)
    unlike = "incomparable" in found
    return relation(more=unlike or "looser" in found, less=unlike or "tighter" in found)


def of_numbers(before: float | None, after: float | None) -> Relation:
    """More is looser, and most of all None: not bounded."""
    if before is None or after is None:
        return relation(more=before is not None, less=after is not None)
    return relation(more=after > before, less=after < before)


def of_sets(before: Set[Any], after: Set[Any]) -> Relation:
    """More of them is looser."""
    return relation(more=not after <= before, less=not before <= after)
