"""The few instructions of classic BPF that the filter's own rules take: see filter.py for why.

A filter reads a `struct seccomp_data`: the number at 0, the AUDIT_ARCH word at 4, the arguments from 16
on, 8 bytes each, of which little-endian machines have the low half first.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ALLOW = 0x7FFF_0000
LOG = 0x7FFC_0000
KILL_PROCESS = 0x8000_0000
ERRNO = 0x0005_0000  # | the error's number

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_LOAD, _AND, _SKIP, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x35, 0x06

Instruction = bytes


def answer(action: int) -> Instruction:
    return _instruction(_RETURN, action)


def load_number() -> Instruction:
    return _instruction(_LOAD, _NUMBER)


def load_architecture() -> Instruction:
    return _instruction(_LOAD, _ARCHITECTURE)


def load_argument(index: int, *, high: bool = False) -> Instruction:
    """The low half of an argument, or its high one."""
    return _instruction(_LOAD, _ARGUMENTS + 8 * index + (4 if high else 0))


def keep_bits(mask: int) -> Instruction:
    return _instruction(_AND, mask)


def skip(count: int) -> Instruction:
    """A comparison's own jumps reach 255 instructions; this one reaches any."""
    return _instruction(_SKIP, count)


def skip_unless(values: Sequence[int], count: int) -> list[Instruction]:
    """`count` instructions, where the accumulator is none of `values`."""
    return [*(_instruction(_EQUAL, value, len(values) - place, 0) for place, value in enumerate(values)), skip(count)]


def skip_if(values: Sequence[int], count: int) -> list[Instruction]:
    """`count` instructions, where the accumulator is one of `values`."""
    *others, last = values
    tests = [_instruction(_EQUAL, value, len(values) - 1 - place, 0) for place, value in enumerate(others)]
    return [*tests, _instruction(_EQUAL, last, 0, 1), skip(count)]


def when_equal(value: int, then: list[Instruction]) -> list[Instruction]:
    """`then` only where the accumulator is `value`."""
    return [*skip_unless([value], len(then)), *then]


def unless_equal(value: int, then: list[Instruction]) -> list[Instruction]:
    return [*skip_if([value], len(then)), *then]


def when_at_least(value: int, then: list[Instruction]) -> list[Instruction]:
    return [_instruction(_AT_LEAST, value, 1, 0), skip(len(then)), *then]


def _instruction(code: int, k: int, if_true: int = 0, if_false: int = 0) -> Instruction:
    return struct.pack("=HBBI", code, if_true, if_false, k)
