"""The filter: each rule that comes before the policy's list, each name of the list, and the two parts as a whole."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.syscall_names import architecture, libseccomp
from sandbox_cli.policy.syscalls import NUMBERS, SETS
from tests.weakening.model import Plan, Weakening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sandbox_cli.policy.model import Policy

MACHINE = os.uname().machine
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN, _JUMP = 0x20, 0x15, 0x35, 0x45, 0x06, 0x05
_ALLOW = 0x7FFF_0000
_NUMBER, _ARCHITECTURE = 0, 4


class Instruction(NamedTuple):
    code: int
    if_true: int
    if_false: int
    k: int


NOTHING = Instruction(_JUMP, 0, 0, 0)  # goes on with the next one
ALLOW_ALL = Instruction(_RETURN, 0, 0, _ALLOW)


def weakenings(plan: Plan, policy: Policy, *, names: bool) -> Iterator[Weakening]:
    """`names`: each name of the policy's list, too."""
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
    yield from _rules(program, second)
    if names and policy.syscalls.deny is not None:
        yield from _names(plan, policy)


def _rules(program: Sequence[Instruction], end: int) -> Iterator[Weakening]:
    for at, each in enumerate(program[:end]):
        said = _conditions(program, at)
        if each.code == _RETURN and each.k != _ALLOW:
            yield _filter(f"{said}: dropped", [*program[:at], NOTHING, *program[at + 1 :]])
        if each.code == _ANY_BIT and each.k & (each.k - 1):
            for bit in range(32):
                if each.k >> bit & 1:
                    less = each._replace(k=each.k & ~(1 << bit))
                    yield _filter(f"{said}: without bit {1 << bit:#x}", [*program[:at], less, *program[at + 1 :]])


def _conditions(program: Sequence[Instruction], at: int) -> str:
    """In which case the instruction is reached, for one among forward jumps that skip what is not the case."""
    words: list[str] = []
    loaded = 0
    for index, each in enumerate(program[:at]):
        if each.code == _LOAD:
            loaded = each.k
        for offset, is_case in ((each.if_false, True), (each.if_true, False)):
            if each.code in {_EQUAL, _AT_LEAST, _ANY_BIT} and offset and index + offset >= at:
                words.append(_condition(each, loaded, is_case))
    return " ".join(words) or "any call"


def _condition(each: Instruction, loaded: int, is_case: bool) -> str:
    if loaded == _NUMBER and each.code == _EQUAL:
        return _name(each.k)
    what = {_NUMBER: "a number", _ARCHITECTURE: "an architecture"}.get(loaded, f"argument {(loaded - 16) // 8}")
    sign = {_EQUAL: "==", _AT_LEAST: ">=", _ANY_BIT: "&"}[each.code]
    return f"{what} {sign} {each.k:#x}" if is_case else f"{what} not {sign} {each.k:#x}"


def _name(number: int) -> str:
    newer = {value: name for name, value in NUMBERS.items()}  # what this libseccomp may not know
    known: bytes | None = None if number in newer else libseccomp().resolve_syscall(architecture(MACHINE), number)
    return newer[number] if known is None else known.decode()


def _names(plan: Plan, policy: Policy) -> Iterator[Weakening]:
    listed = sorted({name for each in policy.syscalls.deny or () for name in SETS.get(each, (each,))})
    for name in listed:
        with patch.dict(SETS, {each: tuple(one for one in SETS[each] if one != name) for each in SETS}):
            code = compile_filter(policy.syscalls, MACHINE)
        if code != plan["filter"]:  # else this machine has no such call
            yield Weakening(f"filter: {name} in the list: dropped", _putting(code))


def _filter(name: str, program: Sequence[Instruction]) -> Weakening:
    return Weakening(f"filter: {name}", _putting(b"".join(struct.pack("=HBBI", *each) for each in program)))


def _putting(code: bytes) -> Callable[[Plan], None]:
    return lambda plan: plan.update(filter=code)
