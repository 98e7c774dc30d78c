"""The caller's terminal while a job has one of its own: raw, so that every key is the job's; then as it was again."""

from __future__ import annotations

import errno
import os
import re
import signal
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.run.streams import in_foreground

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType

    from sandbox_cli.run.model import Terminal

_STDIN = 0
_KIND = re.compile(r"[A-Za-z0-9._+-]{1,64}")
# Which of tcgetattr's fields hold what, and what raw means for each (termios(3), cfmakeraw).
_INPUT, _OUTPUT, _CONTROL, _LOCAL, _KEYS = 0, 1, 2, 3, 6
_NO_INPUT = (
    termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP
    | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON
)  # fmt: skip
_NO_LOCAL = termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN


def check(json: bool, stdin: str | None) -> None:
    """What a job with a terminal can't be given besides."""
    if json:
        raise UsageError("-t and --json don't go together: a terminal isn't one object", hint="--result FILE, with -t")
    if stdin is not None:
        raise UsageError("-t and --stdin don't go together: the program reads its terminal", hint="leave out one")


def is_ours() -> bool:
    """Whether there is a terminal to relay."""
    return os.isatty(_STDIN)


def check_ours() -> None:
    """There must be one."""
    if not is_ours():
        raise UsageError(
            "-t relays your terminal, and standard input is none", hint="leave out -t, or run it from a terminal"
        )


def kind() -> str:
    """What the program is to take its terminal for, as it will be shown on ours."""
    name = os.environ.get("TERM", "")
    return name if _KIND.fullmatch(name) else "dumb"


@contextmanager
def relayed(asked: bool) -> Generator[Terminal | None]:
    """The terminal of standard input, raw; None where none was asked for.

    It is restored whatever happens within. What was typed and not read by then is dropped: it was meant for the job,
    and would otherwise be the next command of a shell.
    """
    if not asked:
        yield None
        return
    before = termios.tcgetattr(_STDIN)
    raw = _raw(before)
    source, sink = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def changed(_number: int, _frame: FrameType | None) -> None:
        try:
            os.write(sink, b"w")
        except BlockingIOError:
            return  # it is told already

    def continued(number: int, frame: FrameType | None) -> None:
        _set(termios.TCSADRAIN, raw)  # the shell that had the terminal meanwhile left it as it likes it
        changed(number, frame)

    handlers = {number: signal.getsignal(number) for number in (signal.SIGWINCH, signal.SIGCONT)}
    try:
        signal.signal(signal.SIGWINCH, changed)
        signal.signal(signal.SIGCONT, continued)
        if not _set(termios.TCSADRAIN, raw):
            raise HostError("your terminal can't be set", hint="run it in the foreground of a terminal of your own")
        yield {"fd": _STDIN, "modes": before, "resized": source}
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if in_foreground(_STDIN):  # or it would stop us, and the terminal is somebody else's now
            _drop_input()
            _set(termios.TCSAFLUSH, before)
        os.close(source)
        os.close(sink)


def _drop_input() -> None:
    """Also what the line discipline had no room for yet, which tcsetattr leaves to come."""
    try:
        termios.tcflush(_STDIN, termios.TCIFLUSH)
    except termios.error:
        return  # it hung up


def _raw(modes: list[Any]) -> list[Any]:
    """Bytes as they are typed, none of them a signal; output as it is written."""
    raw: list[Any] = [*modes[:_KEYS], list(modes[_KEYS])]
    raw[_INPUT] &= ~_NO_INPUT
    raw[_OUTPUT] &= ~termios.OPOST
    raw[_CONTROL] = raw[_CONTROL] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    raw[_LOCAL] &= ~_NO_LOCAL
    raw[_KEYS][termios.VMIN], raw[_KEYS][termios.VTIME] = 1, 0
    return raw


def _set(when: int, modes: list[Any]) -> bool:
    """Sets the terminal; from the background that stops us (SIGTTOU) until we are brought to the fore again."""
    while True:
        try:
            termios.tcsetattr(_STDIN, when, modes)
            return True
        except termios.error as error:
            if error.args[0] != errno.EINTR:
                return False  # it hung up
