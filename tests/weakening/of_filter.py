"""The filter: each rule that comes before the policy's list, each name of the list, and the two parts as a whole."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.syscall_names import architecture, libseccomp
from sandbox_cli.policy.syscalls import NUMBERS, SETS
from tests.weakening.model import OF_THE_FILTER, Plan, Weakening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sandbox_cli.policy.model import Policy

MACHINE = os.uname().machine
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN, _JUMP = 0x20, 0x54, 0x15, 0x35, 0x06, 0x05
_ALLOW = 0x7FFF_0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_NEVER = 0x5A5A_5A5A


class Instruction(NamedTuple):
    code: int
    if_true: int
    if_false: int
    k: int


NOTHING = Instruction(_JUMP, 0, 0, 0)  # goes on with the next one
ALLOW_ALL = Instruction(_RETURN, 0, 0, _ALLOW)


def weakenings(plan: Plan, policy: Policy, *, single: bool) -> Iterator[Weakening]:
    """`single`: each instruction and each name of the list, too."""
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
        yield from _rules(program, second)
        yield from _names(plan, policy)


def _rules(program: Sequence[Instruction], end: int) -> Iterator[Weakening]:
    """Of the part that is written out: each answer that refuses dropped, each question, each value and bit of one."""
    for at, each in enumerate(program[:end]):
        where = " ".join(_conditions(program, at)) or "any call"

        def instead(name: str, new: Instruction, at: int = at, where: str = where) -> Weakening:
            return _filter(f"{where}: {name}", [*program[:at], new, *program[at + 1 :]])

        if each.code == _RETURN and each.k != _ALLOW:
            yield instead("not refused", NOTHING)
        elif each.code == _JUMP and each.k:
            yield instead(f"{_question(program, at)} not asked", NOTHING)
        elif each.code in {_EQUAL, _AT_LEAST}:
            yield instead(f"{_compared(program, at)} never so", each._replace(k=_NEVER))
        elif each.code == _AND and each.k & (each.k - 1):
            for bit in (1 << place for place in range(32) if each.k >> place & 1):
                yield instead(f"{_loaded(program, at)} without bit {bit:#x}", each._replace(k=each.k & ~bit))


def _conditions(program: Sequence[Instruction], at: int) -> Iterator[str]:
    """In which case the instruction is reached: what is not the case is skipped, by jumps forward."""
    for index, each in enumerate(program[:at]):
        if each.code == _JUMP and index + each.k >= at:
            yield _question(program, index)


def _question(program: Sequence[Instruction], jump: int) -> str:
    """What has to hold for this jump not to be taken: the comparisons in front of it."""
    begin = jump
    while begin and program[begin - 1].code in {_EQUAL, _AT_LEAST}:
        begin -= 1
    if begin == jump:
        return "nothing of that"
    negated = program[jump - 1].if_true == 0  # what is equal comes to the jump
    words = " or ".join(_compared(program, index) for index in range(begin, jump))
    return f"not {words}" if negated else words


def _compared(program: Sequence[Instruction], at: int) -> str:
    what, each = _loaded(program, at), program[at]
    if what == "number" and each.code == _EQUAL:
        return _name(each.k)
    return f"{what} {'=' if each.code == _EQUAL else '>='} {each.k:#x}"


def _loaded(program: Sequence[Instruction], at: int) -> str:
    last = max(index for index in range(at) if program[index].code == _LOAD)
    offset, mask = program[last].k, [each.k for each in program[last:at] if each.code == _AND]
    fixed = {_NUMBER: "number", _ARCHITECTURE: "architecture"}
    argument, high = divmod(offset - _ARGUMENTS, 8)
    what = fixed.get(offset, f"argument {argument}{', high half' if high else ''}")
    return f"{what} & {mask[0]:#x}" if mask else what


def _name(number: int) -> str:
    newer = {value: name for name, value in NUMBERS.items()}  # what this libseccomp may not know
    known: bytes | None = None if number in newer else libseccomp().resolve_syscall(architecture(MACHINE), number)
    return newer[number] if known is None else known.decode()


def _names(plan: Plan, policy: Policy) -> Iterator[Weakening]:
    listed = sorted({name for each in policy.syscalls.deny or () for name in SETS.get(each, (each,))})
    for name in listed:
        with patch.dict(SETS, {each: tuple(one for one in SETS[each] if one != name) for each in SETS}):
            code = compile_filter(policy.syscalls, MACHINE, isolated=policy.network != "host")
        if code != plan["filter"]:  # else this machine has no such call
            yield Weakening(f"{OF_THE_FILTER}{name} in the list: dropped", _putting(code))


def _filter(name: str, program: Sequence[Instruction]) -> Weakening:
    return Weakening(f"{OF_THE_FILTER}{name}", _putting(b"".join(struct.pack("=HBBI", *each) for each in program)))


def _putting(code: bytes) -> Callable[[Plan], None]:
    return lambda plan: plan.update(filter=code)
