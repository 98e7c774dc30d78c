"""What a weakening is: one element of a plan dropped, widened, added or moved, under a name that says so."""

from __future__ import annotations

import copy
import itertools
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Plan = dict[str, Any]
UNRELATED = "(unrelated)"  # how the names of two end of which neither lies in the other
OF_THE_FILTER = "filter: "  # how the names of weakened filters begin


class Weakening(NamedTuple):
    """`weaken` changes the plan that it is given. `runs`: always, or either `alone` or `together` with its like."""

    name: str
    weaken: Callable[[Plan], None]
    runs: Literal["always", "alone", "together"] = "always"

    def of(self, plan: Plan) -> Plan:
        """The weakened plan; the one given stays as it is."""
        weakened = copy.deepcopy(plan)
        self.weaken(weakened)
        return weakened


class Element(NamedTuple):
    """What is said in one piece: an option of an argv with its operands, a line of a config; `path` is where it stands
    in the jail, if anywhere: the order of two elements matters only where one lies in the other."""

    text: str
    words: Sequence[str]
    path: str | None = None


def lie_in_one(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return False
    first, second = sorted((one.rstrip("/") + "/", other.rstrip("/") + "/"), key=len)
    return second.startswith(first)


def variants(elements: Sequence[Element], store: Callable[[Plan, list[Element]], None]) -> Iterator[Weakening]:
    """Each element dropped, and each two neighbours in the other order.

    What has nothing to do with its neighbour changes places with it in a plan of its own, or in one with all such
    pairs that share no element.
    """

    def to(changed: list[Element]) -> Callable[[Plan], None]:
        return lambda plan: store(plan, changed)

    for index, element in enumerate(elements):
        yield Weakening(f"{element.text}: dropped", to([*elements[:index], *elements[index + 1 :]]))
    unrelated: list[int] = []
    for index, (one, other) in enumerate(itertools.pairwise(elements)):
        if one.words == other.words:
            continue
        swapped = to(_swapped(elements, [index]))
        if lie_in_one(one.path, other.path):
            yield Weakening(f"{other.text}: before {one.text} (which lies with it)", swapped)
        else:
            unrelated.append(index)
            yield Weakening(f"{other.text}: before {one.text} {UNRELATED}", swapped, "alone")
    for start, where in enumerate(("first", "second")):
        pairs = [index for index in unrelated if index % 2 == start]
        name = f"every other two from the {where} on: the one before the other {UNRELATED}"
        yield Weakening(name, to(_swapped(elements, pairs)), "together")


def _swapped(elements: Sequence[Element], pairs: Sequence[int]) -> list[Element]:
    changed = list(elements)
    for index in pairs:
        changed[index], changed[index + 1] = changed[index + 1], changed[index]
    return changed


def replaced(
    elements: Sequence[Element], index: int, new: Sequence[Element], store: Callable[[Plan, list[Element]], None]
) -> Callable[[Plan], None]:
    """The weakening that puts `new` in the place of one element."""
    changed = [*elements[:index], *new, *elements[index + 1 :]]
    return lambda plan: store(plan, changed)


def unique(weakenings: Iterator[Weakening]) -> Iterator[Weakening]:
    """The same name twice would hide one of the two."""
    seen: dict[str, int] = {}
    for each in weakenings:
        seen[each.name] = seen.get(each.name, 0) + 1
        yield each if seen[each.name] == 1 else each._replace(name=f"{each.name} #{seen[each.name]}")
