"""What the options of a job say of its code, its variables, its limits and its standard input."""

from __future__ import annotations

import os
import shlex
import stat
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.given import code
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from sandbox_cli.given.code import Code


def of_option(text: str) -> Code:
    """The snippet of -c."""
    return code.of_text(os.fsencode(text), "the code of -c", hint="put it in a file that is UTF-8")


def of_stdin() -> Code:
    """Code from our own standard input, to its end."""
    content = code.read(0, "standard input")
    return code.of_text(content, "the code on standard input", hint="convert it: `iconv -f LATIN1 -t UTF-8`")


def variables(options: list[str]) -> dict[str, str]:
    """`K=V` as pairs."""
    pairs: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            example = f', as in -e {option}="${option}"' if option.isidentifier() else ""
            hint = f"write -e {shlex.quote((option or 'NAME') + '=VALUE')}{example}"
            raise UsageError(f"-e {quoted(option)} has no value", hint=hint)
        if not name or "\0" in option:
            raise UsageError(f"-e {quoted(option)} names no variable", hint="write -e NAME=VALUE")
        pairs[name] = value
    return pairs


def limits(options: list[str], timeout: str | None, memory: str | None) -> dict[str, str]:
    """`NAME=VALUE` as pairs, --timeout and --memory among them. What they mean is the plan's business."""
    pairs: dict[str, str] = {}
    short = [f"{name}={value}" for name, value in (("wall_time", timeout), ("memory", memory)) if value is not None]
    for option in [*options, *short]:
        name, equals, value = option.partition("=")
        if not equals:
            hint = "write NAME=VALUE, as in --limit memory=512MiB"
            raise UsageError(f"--limit {quoted(option)} has no value", hint=hint)
        if name in pairs:
            raise UsageError(f"limit {name} is given twice", hint="give it once")
        pairs[name] = value
    return pairs


def capture_bytes(option: str) -> int:
    """The size of --capture."""
    from sandbox_cli.policy import units  # only a job needs it

    try:
        return int(units.parse("size", option))
    except PolicyError as error:
        raise UsageError(f"--capture: {error.message}", hint=error.hint) from None


def open_stdin(path: str) -> int:
    """The file of --stdin, open for reading."""
    if not path:
        raise UsageError("--stdin '' names no file", hint="name one, or /dev/null for no input")
    fd = code.open_file(path)
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise UsageError(f"--stdin {quoted(path)} is a directory", hint="name a file")
    return fd
