"""Tiny filters, written by hand: one syscall gets another answer, everything else passes."""

from __future__ import annotations

import os
import struct

ERRNO, KILL, ALLOW = 0x00050000, 0x80000000, 0x7FFF0000
X86 = os.uname().machine == "x86_64"
CALLS = (
    {"getppid": 110, "write": 1, "execve": 59, "ioctl": 16}
    if X86
    else {"getppid": 173, "write": 64, "execve": 221, "ioctl": 29}
)
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06


def _instruction(code: int, yes: int, no: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def answer(call: str, action: int, *, padding: int = 0) -> bytes:
    """`action` for one call; `padding` instructions that do nothing come first."""
    load = _instruction(_LOAD_NUMBER, 0, 0, 0)
    return (
        load * (padding + 1)
        + _instruction(_JUMP_IF_EQUAL, 0, 1, CALLS[call])
        + _instruction(_RETURN, 0, 0, action)
        + _instruction(_RETURN, 0, 0, ALLOW)
    )
