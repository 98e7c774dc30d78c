"""System calls as data: what is tried, as the probe reads it, and what the kernel answered.

Nothing but calls that every machine has by the same name; numbers come from libseccomp's tables.
"""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy.syscall_names import number

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_FDCWD = -100
FROM_32_BIT = "32:"  # before a number: as a 32-bit program would call it


class Out(NamedTuple):
    """A buffer that the kernel fills."""

    size: int


class Of(NamedTuple):
    """What an earlier call of the attempt returned: a descriptor, mostly."""

    call: int


Argument = int | str | bytes | Out | Of | tuple[str, ...]


class Call(NamedTuple):
    """`name` may be a number, as text, for what has no name."""

    name: str
    arguments: tuple[Argument, ...] = ()

    def number(self, machine: str) -> int | None:
        """None: this machine has no such call."""
        digits = self.name.removeprefix(FROM_32_BIT)
        return int(digits) if digits.isdigit() else number(self.name, machine)


class Answer(NamedTuple):
    """What each call returned, as the kernel says it (-13 is EACCES), as far as the attempt came; and its buffers.

    `tried` is false where no child could be had for it, or the probe ended before; `told`, where it said nothing of it.
    """

    results: tuple[int, ...] = ()
    buffers: tuple[bytes, ...] = ()
    signal: int | None = None
    exited: int | None = None
    tried: bool = True
    told: bool = True

    def failed(self, calls: int) -> bool:
        return len(self.results) < calls or is_error(self.results[-1])

    def word(self, calls: int = 1) -> str:
        """In a word: "ok", the name of an error, of a signal, "no answer"."""
        if not self.told:
            return "no answer"
        if not self.tried:
            return "not tried"
        if self.signal is not None:
            return _signal(self.signal)
        if self.results and is_error(self.results[-1]):
            return error_name(self.results[-1])
        if len(self.results) < calls:
            return "no answer" if self.exited is None else f"exit {self.exited}"
        return "ok"


UNTRIED = Answer(tried=False)
UNTOLD = Answer(tried=False, told=False)


def call(name: str, *arguments: Argument) -> Call:
    return Call(name, arguments)


def is_error(result: int) -> bool:
    return -4096 < result < 0  # MAX_ERRNO is 4095


def error_name(result: int) -> str:
    return errno.errorcode.get(-result, f"errno {-result}")


def line(calls: Sequence[Call], machine: str, how: str) -> bytes | None:
    """An attempt as the probe reads it; None where this machine lacks one of its calls."""
    words: list[str] = []
    for each in calls:
        value = each.number(machine)
        if value is None:
            return None
        prefix = FROM_32_BIT if each.name.startswith(FROM_32_BIT) else ""
        words.append(" ".join([f"{prefix}{value}", *map(_word, each.arguments)]))
    return f"{how} {' ; '.join(words)}\n".encode()


def answer(text: bytes) -> Answer:
    """A line of the probe's, read."""
    results: list[int] = []
    buffers: list[bytes] = []
    ended: dict[str, int] = {}
    for word in text.decode("ascii", "replace").split():
        if word.startswith("="):
            buffers.append(bytes.fromhex(word[1:]))
        elif word == "?":
            return UNTRIED
        elif word[0] in "!.":
            ended[word[0]] = int(word[1:])
        else:
            results.append(int(word))
    return Answer(tuple(results), tuple(buffers), ended.get("!"), ended.get("."))


def _word(argument: Argument) -> str:
    match argument:
        case Out(size):
            return f"o{size}"
        case Of(index):
            return f"r{index}"
        case int():
            return str(argument)
        case str() | bytes():
            return f"x{os.fsencode(argument).hex()}"
        case words:
            return "v" + ",".join(os.fsencode(each).hex() for each in words)


def _signal(value: int) -> str:
    try:
        return signal.Signals(value).name
    except ValueError:
        return f"signal {value}"
