"""Good messages, messages that must be refused, and mutations of the good ones.

`python -m tests.launcher.corpus DIRECTORY` writes them there, a file each: where `make fuzz-launcher` begins.
"""

from __future__ import annotations

import random
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.launcher import bpf
from tests.launcher.protocol import pack

if TYPE_CHECKING:
    from collections.abc import Iterator

RLIM_NLIMITS = 16
MESSAGE_MAX = 8 << 20
HEADER = struct.Struct("=2H5I")
_SHAPES = [
    pack([b"/bin/true"]),
    pack([b"/bin/sh", b"-c", b"exit 0", b""], env=[b"A=1", b"", b"B=\xff"], cwd=b"/tmp"),
    pack([b"x"], path=b"", cwd=b"", rlimits=[(7, 20, 30), (0, 1, 2)], bpf=bpf.answer("getppid", bpf.ERRNO)),
    pack([b"x"], flags=1),
    pack([b"x"], flags=3),
    pack([b"x"] * 50, env=[b"y=z"] * 50, rlimits=[(n % 16, 2**64 - 1, 2**64 - 1) for n in range(32)]),
]
_LONGEST_FILTER = bpf.answer("getppid", bpf.ERRNO, padding=4092)
GOOD = [*_SHAPES, pack([b""], env=[b""] * 3, cwd=b"", rlimits=[(15, 0, 0)] * 32, bpf=_LONGEST_FILTER)]
_WORDS = b"/\0/\0x\0x\0"


def _message(
    version: int = 2,
    flags: int = 0,
    argc: int = 1,
    envc: int = 0,
    rlimits: int = 0,
    filter_: int = 0,
    strings: int = 8,
    tail: bytes = _WORDS,
) -> bytes:
    return HEADER.pack(version, flags, argc, envc, rlimits, filter_, strings) + tail


MALFORMED = {
    "one byte": b"\0",
    "half a header": _message()[:12],
    "header alone": _message()[:24],
    "header alone that says so": _message(strings=0, tail=b""),
    "version 0": _message(version=0),
    "version 1": _message(version=1),
    "an unknown flag": _message(flags=1 << 15),
    "argc 0": _message(argc=0),
    "argc 0 with matching strings": _message(argc=0, strings=6, tail=b"/\0/\0x\0"),
    "argc too large": _message(argc=2),
    "argc too small": _message(tail=b"\0" * 8),
    "argc huge": _message(argc=2**32 - 1),
    "argc and envc that wrap": _message(argc=2**32 - 1, envc=2),
    "envc huge": _message(envc=2**32 - 1),
    "envc for argc": _message(argc=0, envc=1),
    "33 rlimits": pack([b"x"], rlimits=[(7, 9, 9)] * 33),
    "rlimits missing": _message(rlimits=1),
    "rlimits huge": _message(rlimits=2**32 - 1),
    "rlimits that wrap": _message(rlimits=(1 << 32) // 24 + 1),
    "unknown resource": pack([b"x"], rlimits=[(RLIM_NLIMITS, 1, 1)]),
    "resource that would be cut to a known one": pack([b"x"], rlimits=[((1 << 32) + 7, 1, 1)]),
    "filter of 4 bytes": pack([b"x"], bpf=b"\0" * 4),
    "filter of 32776 bytes": pack([b"x"], bpf=b"\0" * 32776),
    "filter missing": _message(filter_=8),
    "filter and strings that wrap": _message(filter_=2**32 - 8, strings=14),
    "strings too short": _message(strings=7),
    "strings too long": _message(strings=9),
    "strings huge": _message(strings=2**32 - 1),
    "a byte behind": _message(tail=_WORDS + b"\0"),
    "last string open": _message(strings=7, tail=_WORDS[:7]),
    "a letter behind the last string": _message(strings=9, tail=_WORDS + b"y"),
    "no NUL at all": _message(tail=b"x" * 8),
    "NUL in the wrong places": _message(tail=b"\0" * 7 + b"x"),
    "no path": _message(strings=6, tail=b"/\0/\0x\0"),
}


def mutations(count: int, seed: int) -> Iterator[bytes]:
    """Good messages with something changed: bits, numbers of the header, length, pieces moved."""
    chance = random.Random(seed)
    numbers = [0, 1, 2, 3, 7, 8, 31, 32, 33, 255, 32768, 32776, 2**31 - 1, 2**31, 2**32 - 8, 2**32 - 1]
    for _ in range(count):
        message = bytearray(chance.choice(_SHAPES))
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            kind = chance.randrange(6)
            at = chance.randrange(len(message)) if message else 0
            if kind == 0 and message:
                message[at] ^= 1 << chance.randrange(8)
            elif kind == 1 and len(message) >= HEADER.size:
                struct.pack_into("=I", message, 4 * chance.randrange(6), chance.choice(numbers))
            elif kind == 2 and len(message) >= HEADER.size:
                field = 4 * chance.randrange(6)
                near = struct.unpack_from("=I", message, field)[0] + chance.choice([-1, 1, 8, -8, 24])
                struct.pack_into("=I", message, field, near % 2**32)
            elif kind == 3:
                del message[at : at + chance.choice([1, 8, 24, 1000])]
            elif kind == 4:
                message[at:at] = bytes(chance.choice([1, 8, 24]))
            elif kind == 5 and message:
                message[at] = chance.choice([0, 0xFF])
        yield bytes(message)


if __name__ == "__main__":
    for number, message in enumerate([*GOOD, *MALFORMED.values(), *mutations(200, seed=1)]):
        Path(sys.argv[1], f"seed-{number}").write_bytes(message)
