"""The order of syscall filters: over the answer to each call with each arguments.

A call that ends the program allows least, then one that fails (with whatever error), then one that is logged and let
through. Calls are told apart by name, whichever of them this machine has: what is true of two policies is so on every
machine. Where a call's rules ask about arguments, these are divided as the tests of both sides divide them, and each
part is asked about once.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy.order.relations import relation
from sandbox_cli.policy.syscall_names import MACHINES, number
from sandbox_cli.policy.syscall_rules import DEFAULT_RULES, STRUCTURAL, STRUCTURAL_OF_A_NETWORK, Test
from sandbox_cli.policy.syscalls import DEFAULT_SET, LAUNCHER_NEEDS, NEWEST, NUMBERS, SETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sandbox_cli.policy.model import Syscalls
    from sandbox_cli.policy.order.relations import Relation
    from sandbox_cli.policy.syscall_rules import Rule

RANK = {"kill": 0, "errno": 1, "log": 2, "allow": 3}  # `missing` is an error, too
MOST_PARTS = 20_000
# Calls without a name that a list could say: those of other machines' numbers, those of newer kernels, all others.
FOREIGN, NEWER, OTHER = "32-bit and x32 calls", "calls of newer kernels", "every call that is not listed"

_Tests = tuple[Test, ...]
_Asked = tuple[_Tests, int | None]  # a rule with the rank of its answer; None leaves the call to the list


class Answers(NamedTuple):
    """What a filter answers, as ranks."""

    rules: Mapping[str, Sequence[_Asked]]  # of each call in the order in which they are asked
    listed: frozenset[str]
    of_listed: int
    others: int
    foreign: int
    newer: int

    @classmethod
    def of(cls, syscalls: Syscalls, *, isolated: bool) -> Answers:
        """`isolated`: the network is the jail's own."""
        refused, allowing = RANK[syscalls.action], syscalls.allow is not None
        structural = RANK["errno" if syscalls.action == "log" else syscalls.action]
        default = DEFAULT_SET in (syscalls.deny or ())
        said = (*syscalls.allow, *LAUNCHER_NEEDS) if syscalls.allow is not None else syscalls.deny or ()
        others = refused if allowing else RANK["allow"]
        rules: dict[str, list[_Asked]] = {}
        for name, rule in _rules(syscalls, structural, refused, default=default, isolated=isolated):
            rules.setdefault(name, []).append(rule)
        return cls(
            rules=rules,
            listed=frozenset(name for each in said for name in SETS.get(each, (each,))),
            of_listed=RANK["allow"] if allowing else refused,
            others=others,
            foreign=structural,
            newer=(RANK["log"] if syscalls.action == "log" else RANK["errno"]) if default else others,
        )

    def by_list(self, name: str) -> int:
        """The answer where no rule has one."""
        if name in self.listed:
            return self.of_listed
        unnamed = {FOREIGN: self.foreign, NEWER: self.newer, OTHER: self.others}
        return unnamed[name] if name in unnamed else self.newer if _is_newer(name) else self.others


def _rules(
    syscalls: Syscalls, structural: int, refused: int, *, default: bool, isolated: bool
) -> Iterator[tuple[str, _Asked]]:
    """In the order in which they are asked."""
    yield from _answered(STRUCTURAL, structural)
    if isolated:
        yield from _answered(STRUCTURAL_OF_A_NETWORK, structural)
    for written in syscalls.rules:
        tests = () if written.arg is None else (Test(written.arg, (written.value,), written.mask),)
        yield written.syscall, (tests, RANK[written.action])
    if default:
        yield from _answered(DEFAULT_RULES, refused)


def _answered(rules: Iterable[Rule], refused: int) -> Iterator[tuple[str, _Asked]]:
    answers = {"refused": refused, "missing": RANK["errno"], "spared": None}
    for rule in rules:
        yield rule.syscall, (rule.tests, answers[rule.verdict])


@functools.cache
def _is_newer(name: str) -> bool:
    """Whether @default-deny has never been held against the call. Such numbers are the same on every machine."""
    if name in NUMBERS or name in _named_in_sets():
        return False
    value = number(name, MACHINES[0])
    return value is not None and value > NEWEST


@functools.cache
def _named_in_sets() -> frozenset[str]:
    return frozenset(name for names in SETS.values() for name in names)


class Changed(NamedTuple):
    """The calls that `after` answers otherwise, in some case at least: it gives more, or less."""

    more: list[str]
    less: list[str]
    unsure: list[str]  # there are too many cases to ask about each

    @property
    def relation(self) -> Relation:
        return relation(more=bool(self.more or self.unsure), less=bool(self.less or self.unsure))


def changed(before: Answers, after: Answers) -> Changed:
    found = Changed([], [], [])
    for name in [*sorted({*before.listed, *after.listed, *before.rules, *after.rules}), FOREIGN, NEWER, OTHER]:
        pairs = _answers(name, before, after)
        if pairs is None:
            found.unsure.append(name)
            continue
        if any(new > old for old, new in pairs):
            found.more.append(name)
        if any(new < old for old, new in pairs):
            found.less.append(name)
    return found


def _answers(name: str, before: Answers, after: Answers) -> set[tuple[int, int]] | None:
    """Every pair of answers that there is to the call; None: there would be too many cases."""
    rules = before.rules.get(name, ()), after.rules.get(name, ())
    lists = before.by_list(name), after.by_list(name)
    if not any(rules):
        return {lists}
    if rules[0] == rules[1] and lists[0] == lists[1]:
        return {(0, 0)}  # the same, whatever it is
    tests = dict.fromkeys(test for side in rules for tests, _ in side for test in tests)
    cases = _cases(list(tests))
    if cases is None:
        return None
    return {(_first(rules[0], case, lists[0]), _first(rules[1], case, lists[1])) for case in cases}


def _first(rules: Iterable[_Asked], case: frozenset[Test], by_list: int) -> int:
    """The answer of the first rule all of whose tests hold."""
    for tests, answer in rules:
        if case.issuperset(tests):
            return by_list if answer is None else answer
    return by_list


def _cases(tests: Sequence[Test]) -> list[frozenset[Test]] | None:
    """Which of `tests` can hold together, without others: every such set, or None where they are too many."""
    by_argument = [_of_argument([test for test in tests if test.argument == place]) for place in range(6)]
    count = 1
    for each in by_argument:
        if each is None or (count := count * len(each)) > MOST_PARTS:
            return None
    parts = [each for each in by_argument if each is not None]
    return [frozenset().union(*each) for each in itertools.product(*parts)]


def _of_argument(tests: Sequence[Test]) -> set[frozenset[Test]] | None:
    """The same of one argument. A mask leaves it one of the values that are asked for, or none of these."""
    held: set[_Part] = {_Part(0, 0, frozenset(), frozenset())}
    for mask in sorted({test.mask for test in tests}, key=int.bit_count, reverse=True):
        asked = [test for test in tests if test.mask == mask]
        values = {value for test in asked for value in test.values}
        other, grown = frozenset((mask, value) for value in values), set[_Part]()
        for part in held:
            fitting = (value for value in values if (value ^ part.bits) & mask & part.known == 0)
            parts = [
                *(
                    _Part(part.known | mask, part.bits | value, part.never, part.holding | _holding(asked, value))
                    for value in fitting
                ),
                _Part(part.known, part.bits, part.never | other, part.holding | _holding(asked, None)),
            ]
            grown.update(each for each in parts if _is_possible(each.known, each.bits, each.never))
        held = grown
        if len(held) > MOST_PARTS:
            return None
    return {part.holding for part in held}


class _Part(NamedTuple):
    """Values of an argument: those with these bits, of all that are `known`, that match none of `never`."""

    known: int
    bits: int
    never: frozenset[tuple[int, int]]  # masks and values
    holding: frozenset[Test]


def _is_possible(known: int, bits: int, never: Iterable[tuple[int, int]]) -> bool:
    """Whether there is such a value: each of `never` has to differ in some bit that is still free."""
    near = [(mask, value) for mask, value in never if (value ^ bits) & mask & known == 0]
    if not near:
        return True
    mask, value = near[0]
    free = mask & ~known
    while free:
        bit = free & -free
        if _is_possible(known | bit, bits | (~value & bit), near[1:]):
            return True
        known, bits, free = known | bit, bits | (value & bit), free & ~bit
    return False


def _holding(tests: Iterable[Test], value: int | None) -> frozenset[Test]:
    """Those that hold where the masked argument is `value`; None: none of those that are asked for."""
    return frozenset(test for test in tests if (value in test.values) is not test.negated)
