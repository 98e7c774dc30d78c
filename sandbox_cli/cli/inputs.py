"""What a job is given: code, files, variables, standard input.

All of it is looked at before anything starts: whatever is wrong is one sentence, and nothing has run.
"""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import NamedTuple

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.text import quoted

MOST_CODE = 64 << 20  # read into memory; no program is that long
_MOST_NAMES = 1000  # that a typo is compared with: more take seconds


class Code(NamedTuple):
    """A program's text, and the mode that its file gets in scratch."""

    content: bytes
    mode: int


def of_option(text: str) -> Code:
    """The snippet of -c."""
    return Code(_utf8(os.fsencode(text), "the code of -c", hint="put it in a file that is UTF-8"), 0o644)


def of_stdin() -> Code:
    """Code from our own standard input, to its end."""
    content = _read(0, "standard input")
    return Code(_utf8(content, "the code on standard input", hint="convert it: `iconv -f LATIN1 -t UTF-8`"), 0o644)


def of_file(path: str) -> Code:
    """The code of FILE."""
    status = regular(path, "-c CODE runs a snippet, and `-` takes code from standard input")
    fd = _open(path)
    try:
        content = _read(fd, quoted(path))
    finally:
        os.close(fd)
    hint = f"convert it: `iconv -f LATIN1 -t UTF-8 {path}`"
    return Code(_utf8(content, quoted(path), hint=hint), _mode(status))


def mode_of(path: str) -> int:
    """0755 for what can be executed, else 0644."""
    return _mode(regular(path, "it was there before: -f copies files that stay"))


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


def open_stdin(path: str) -> int:
    """The file of --stdin, open for reading."""
    if not path:
        raise UsageError("--stdin '' names no file", hint="name one, or /dev/null for no input")
    fd = _open(path)
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise UsageError(f"--stdin {quoted(path)} is a directory", hint="name a file")
    return fd


def regular(path: str, hint: str, of_no_file: str | None = None) -> os.stat_result:
    """Refuses what is not there or is no file, without opening it: a FIFO would wait, a device may act."""
    if not path:
        raise UsageError("'' names no file", hint=hint)
    try:
        status = Path(path).stat()
    except OSError as error:
        raise unreadable(path, error, hint) from None
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{quoted(path)} is a directory", hint=of_no_file or hint)
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{quoted(path)} is not a regular file", hint=of_no_file or hint)
    if not os.access(path, os.R_OK):
        raise UsageError(f"{quoted(path)} can't be read: Permission denied", hint=f"look at `ls -l {path}`")
    return status


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise unreadable(path, error, "name a file that you can read") from None


def unreadable(path: str, error: OSError, hint: str) -> UsageError:
    if isinstance(error, FileNotFoundError) and (close := _like(path)) is not None:
        hint = f"did you mean {quoted(close)}?"
    return UsageError(f"{quoted(path)} can't be read: {error.strerror}", hint=hint)


def _like(path: str) -> str | None:
    """What stands there by nearly that name; what follows its dot is no likeness."""
    from sandbox_cli.policy.spelling import nearest

    named = Path(path)
    try:
        others = {Path(name).stem: name for name in os.listdir(named.parent)[:_MOST_NAMES]}  # noqa: PTH208
    except OSError:
        return None
    alike = {stem: name for stem, name in others.items() if Path(name).suffix == named.suffix}
    close = nearest(named.stem, alike)
    return None if close is None else str(named.parent / alike[close])


def _read(fd: int, what: str) -> bytes:
    try:
        with open(fd, "rb", closefd=False) as stream:
            content = stream.read(MOST_CODE + 1)
    except OSError as error:
        raise HostError(f"{what} can't be read: {error.strerror}") from None
    if len(content) > MOST_CODE:
        raise UsageError(
            f"{what} is larger than {MOST_CODE >> 20} MiB", hint="code is short; give data with -f or --stdin"
        )
    return content


def _utf8(content: bytes, what: str, *, hint: str) -> bytes:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise UsageError(f"{what} is not UTF-8: byte 0x{byte:02x} in line {line}", hint=hint) from None
    return content


def _mode(status: os.stat_result) -> int:
    return 0o755 if status.st_mode & 0o111 else 0o644
