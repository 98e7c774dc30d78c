"""The filter: each rule and each name of the list that it is made of, and its two parts as a whole."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from sandbox_cli.policy import filter as making
from sandbox_cli.policy.syscalls import SETS
from tests.weakening.model import OF_THE_FILTER, Plan, Weakening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sandbox_cli.policy.model import Policy
    from sandbox_cli.policy.syscall_rules import Rule, Test

MACHINE = os.uname().machine
_LOAD, _RETURN = 0x20, 0x06
_ALLOW = 0x7FFF_0000
_ARCHITECTURE = 4
_TABLES = ("STRUCTURAL", "STRUCTURAL_OF_A_NETWORK", "DEFAULT_RULES")


class Instruction(NamedTuple):
    code: int
    if_true: int
    if_false: int
    k: int


ALLOW_ALL = Instruction(_RETURN, 0, 0, _ALLOW)


def weakenings(plan: Plan, policy: Policy, *, single: bool) -> Iterator[Weakening]:
    """`single`: each rule and each name of the list, too."""
    program = [Instruction(*each) for each in struct.iter_unpack("=HBBI", plan["filter"])]
    second = max(i for i, each in enumerate(program) if each.code == _LOAD and each.k == _ARCHITECTURE)
    first, rest = program[:second], program[second:]
    yield _filter("the whole: dropped", [])
    yield _filter("the whole: allows everything", [ALLOW_ALL])
    yield _filter("allows everything: before the rest", [ALLOW_ALL, *program])
    yield _filter("the rules before the list: dropped", rest)
    yield _filter("the list: dropped", [*first, ALLOW_ALL])
    yield _filter("the list: before the rules", [*rest, *first, ALLOW_ALL])
    yield _filter("its first instruction: dropped", program[1:])
    yield _filter("its last instruction: dropped", program[:-1])
    if single:
        for table in _TABLES:
            yield from _rules(plan, policy, table)
        yield from _names(plan, policy)


def _rules(plan: Plan, policy: Policy, table: str) -> Iterator[Weakening]:
    rules: tuple[Rule, ...] = getattr(making, table)
    for index, rule in enumerate(rules):
        for words, less in (("dropped", ()), *_weaker(rule)):
            with patch.object(making, table, (*rules[:index], *less, *rules[index + 1 :])):
                code = _compiled(policy)
            if code != plan["filter"]:  # else this machine has no such call
                yield Weakening(f"{OF_THE_FILTER}{_title(rule)}: {words}", _putting(code))


def _weaker(rule: Rule) -> Iterator[tuple[str, tuple[Rule]]]:
    """What is spared with one question less; what is refused with a value or a bit less."""
    for place, test in enumerate(rule.tests):

        def having(*tests: Test, place: int = place) -> tuple[Rule]:
            return (rule._replace(tests=(*rule.tests[:place], *tests, *rule.tests[place + 1 :])),)

        if rule.verdict == "spared":
            yield f"whatever argument {test.argument} is", having()
        elif test.negated:
            bits = [1 << shift for shift in range(32) if test.mask >> shift & 1]
            for bit in bits if 1 < len(bits) < 32 else ():
                yield f"without bit {bit:#x}", having(test._replace(mask=test.mask & ~bit))
        elif len(test.values) > 1:
            for value in test.values:
                yield f"without {value:#x}", having(test._replace(values=tuple({*test.values} - {value})))


def _title(rule: Rule) -> str:
    tests = [
        f"{test.argument} {'not ' * test.negated}{'|'.join(f'{each:#x}' for each in test.values)}"
        for test in rule.tests
    ]
    return f"{rule.syscall} {rule.verdict}" + "".join(f", argument {each}" for each in tests)


def _compiled(policy: Policy) -> bytes:
    return making.compile_filter(policy.syscalls, MACHINE, isolated=policy.network != "host")


def _names(plan: Plan, policy: Policy) -> Iterator[Weakening]:
    listed = sorted({name for each in policy.syscalls.deny or () for name in SETS.get(each, (each,))})
    for name in listed:
        with patch.dict(SETS, {each: tuple(one for one in SETS[each] if one != name) for each in SETS}):
            code = _compiled(policy)
        if code != plan["filter"]:  # else this machine has no such call
            yield Weakening(f"{OF_THE_FILTER}{name} in the list: dropped", _putting(code))


def _filter(name: str, program: Sequence[Instruction]) -> Weakening:
    return Weakening(f"{OF_THE_FILTER}{name}", _putting(b"".join(struct.pack("=HBBI", *each) for each in program)))


def _putting(code: bytes) -> Callable[[Plan], None]:
    return lambda plan: plan.update(filter=code)
