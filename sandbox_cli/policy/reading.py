"""From a file to text: everything that could hide what a policy says from its reader is refused here.

A carriage return alone, U+0085, U+2028 and U+2029 end a line in YAML but not in most editors, so what
looks like a comment could hold a clause; direction marks show text in another order than it has.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import guard, places

if TYPE_CHECKING:
    from sandbox_cli.policy.guard import Guard

LARGEST = 1 << 20
ENOUGH = "no policy needs that much text"
LIST = "`sandbox policy list` shows what can be named without a path"
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
HIDDEN = re.compile(
    "\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)


def read(path: Path, *, guarded: Guard) -> str:
    """The text of a policy or configuration file. `guarded`: whose it must be."""
    data = read_bytes(path, guarded=guarded)
    if len(data) > LARGEST:
        raise PolicyError("the file is larger than 1 MiB", file=str(path), hint=ENOUGH)
    return text_of(data, str(path))


def text_of(data: bytes, file: str) -> str:
    """`data` as text, less a byte order mark."""
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = _position(data[: error.start].decode())
        hint = "save it as UTF-8"
        raise PolicyError("the file is not UTF-8", file=file, line=line, column=column, hint=hint) from None
    if found := HIDDEN.search(text):
        line, column = _position(text[: found.start()])
        raise PolicyError(
            f"the file holds the character U+{ord(found[0][0]):04X}, which can hide what it says",
            file=file, line=line, column=column,
            hint="remove it; where a value needs it, it can't be a policy's value",
        )  # fmt: skip
    return text


def read_bytes(path: Path, *, guarded: Guard) -> bytes:
    """What such a file holds, up to one byte more than it may."""
    try:
        # Non-blocking: a fifo would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            _check_kind(path, os.fstat(descriptor), guarded=guarded)
            _check_name(path, Path(f"/proc/self/fd/{descriptor}").readlink())
            with open(descriptor, "rb", closefd=False) as stream:
                return stream.read(LARGEST + 1)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise PolicyError("there is no such file", file=str(path), hint=LIST) from None
    except OSError as error:
        hint = "this account must be able to read it, and every folder above it"
        raise PolicyError(f"the file can't be read: {error.strerror}", file=str(path), hint=hint) from None


def _check_kind(path: Path, status: os.stat_result, *, guarded: Guard) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise PolicyError("it is a directory, not a file", file=str(path), hint="name the YAML file in it")
    if not stat.S_ISREG(status.st_mode):
        raise PolicyError("it is not a regular file", file=str(path), hint="name a file of YAML")
    guard.check(path, status, guarded)


def _check_name(path: Path, opened: Path) -> None:
    """A link that was followed must have led to a policy."""
    if opened.name != path.name and not places.is_policy_file(opened.name):
        hint = f"name the file itself, or let what the link leads to end in {places.SUFFIX}"
        raise PolicyError(f"it is a link to {opened}, which is no policy by its name", file=str(path), hint=hint)


def _position(before: str) -> tuple[int, int]:
    """The line and column (1-based) of what follows `before`."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
