"""The few instructions of classic BPF that the structural rules take: see filter.py for why.

A filter reads a `struct seccomp_data`: the number at 0, the AUDIT_ARCH word at 4, the arguments from 16
on, 8 bytes each, of which little-endian machines have the low half first.
"""

from __future__ import annotations

import struct

ALLOW = 0x7FFF_0000
LOG = 0x7FFC_0000
KILL_PROCESS = 0x8000_0000
ERRNO = 0x0005_0000  # | the error's number

_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06

Instruction = bytes


def answer(action: int) -> Instruction:
    return _instruction(_RETURN, action)


def load_number() -> Instruction:
    return _instruction(_LOAD, _NUMBER)


def load_architecture() -> Instruction:
    return _instruction(_LOAD, _ARCHITECTURE)


def load_argument(index: int) -> Instruction:
    return _instruction(_LOAD, _ARGUMENTS + 8 * index)


def when_equal(value: int, then: list[Instruction]) -> list[Instruction]:
    """`then` only where the accumulator is `value`."""
    return [_instruction(_EQUAL, value, 0, len(then)), *then]


def unless_equal(value: int, then: list[Instruction]) -> list[Instruction]:
    return [_instruction(_EQUAL, value, len(then), 0), *then]


def when_at_least(value: int, then: list[Instruction]) -> list[Instruction]:
    return [_instruction(_AT_LEAST, value, 0, len(then)), *then]


def when_any_bit(mask: int, then: list[Instruction]) -> list[Instruction]:
    return [_instruction(_ANY_BIT, mask, 0, len(then)), *then]


def _instruction(code: int, k: int, if_true: int = 0, if_false: int = 0) -> Instruction:
    return struct.pack("=HBBI", code, if_true, if_false, k)
