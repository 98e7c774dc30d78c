"""What `sandbox policy diff` says of a change, whatever the format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.policy.from_here import shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox_cli.policy.diff import At, Comparison

_FEW = 3  # policies that changed in nothing, and are named


def grouped(found: Sequence[Comparison]) -> list[list[Comparison]]:
    """Those of which the same is told: where a base changed, so did all that rests on it, in the same lines."""
    groups: dict[object, list[Comparison]] = {}
    for each in found:
        alike = (each.relation, tuple(each.changes)) if each.before and each.after else each.name
        groups.setdefault(alike, []).append(each)
    return list(groups.values())


def named(group: Sequence[Comparison], quoted: Callable[[str], str] = output.shown) -> str:
    """Their names; of those of which nothing is to be told, how many they are."""
    if len(group) > _FEW and not is_told(group[0]):
        return f"each of {len(group)} policies"
    return ", ".join(quoted(each.name) for each in group)


def is_told(each: Comparison) -> bool:
    """Whether it is another one than it was."""
    return bool(each.changes) or each.before is None or each.after is None


def verdict(each: Comparison, than: str, quoted: Callable[[str], str] = output.shown) -> str:
    """Of one policy, in the words that follow its name. `than` is quoted already."""
    if each.problem is not None:
        return f"looser, since it could not be used before: {quoted(each.problem)}"
    if each.after is None:
        return "gone"
    if each.before is None:
        return "new: all that it lets through is looser"
    words = {"equal": "allows the same as", "incomparable": "looser in one thing and tighter in another than"}
    return f"{words.get(each.relation, f'{each.relation} than')} {than}"


def counts(found: Sequence[Comparison]) -> str:
    """How many clauses went which way."""
    from sandbox_cli.policy.diff import WORST_FIRST

    relations = [change.relation for each in found for change in each.changes]
    words = {"equal": "changed without touching a permission"}
    told = [f"{relations.count(each)} {words.get(each, each)}" for each in WORST_FIRST if each in relations]
    new = sum(each.before is None and each.after is not None for each in found)
    whole = {"new": new, "gone": sum(each.after is None for each in found)}
    told += [f"{count} {word}" for word, count in whole.items() if count]
    return ", ".join(told) or "nothing changed"


def at(place: At | None) -> str:
    """FILE:LINE."""
    return "-" if place is None else f"{shown_path(place.file)}:{place.line}"
