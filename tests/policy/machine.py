"""A seccomp BPF interpreter, after the kernel's: only what seccomp_check_filter lets through, and it must end."""

from __future__ import annotations

import functools
import struct

X86_64, I386, AARCH64, ARM = 0xC000003E, 0x40000003, 0xC00000B7, 0x40000028
ALLOW, LOG, KILL = 0x7FFF0000, 0x7FFC0000, 0x80000000
EPERM, ENOSYS = 0x00050001, 0x00050026


@functools.lru_cache(64)
def _decoded(program: bytes) -> list[tuple[int, int, int, int]]:
    assert len(program) % 8 == 0
    assert 0 < len(program) // 8 <= 4096
    return list(struct.iter_unpack("=HBBI", program))


def run(program: bytes, number: int, arch: int = X86_64, args: tuple[int, ...] = ()) -> int:
    """What the program answers to a call."""
    padded = (*args, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("<IIQ6Q", number & 0xFFFFFFFF, arch, 0xDEAD_BEEF_0000, *padded)
    code = _decoded(program)
    accumulator = position = 0
    while True:
        operation, if_true, if_false, k = code[position]
        position += 1
        match operation:
            case 0x20:  # ld [k]
                assert k % 4 == 0
                accumulator = struct.unpack_from("<I", data, k)[0]
            case 0x54:  # and #k
                accumulator &= k
            case 0x05:  # ja
                position += k
            case 0x15:
                position += if_true if accumulator == k else if_false
            case 0x25:
                position += if_true if accumulator > k else if_false
            case 0x35:
                position += if_true if accumulator >= k else if_false
            case 0x45:
                position += if_true if accumulator & k else if_false
            case 0x06:
                return k
            case _:
                raise AssertionError(f"instruction {operation:#x} is not for seccomp")
