"""A program's text, and the files that a job is given: looked at before anything starts, and read only where they are
files. Whatever is wrong is one sentence, and nothing has run."""

from __future__ import annotations

import os
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


def of_text(content: bytes, what: str, *, hint: str) -> Code:
    """A snippet: `what` says where it is from."""
    return Code(_utf8(content, what, hint=hint), 0o644)


def of_file(path: str) -> Code:
    """The code of FILE."""
    status = regular(path, "-c CODE runs a snippet, and `-` takes code from standard input")
    fd = open_file(path)
    try:
        content = read(fd, quoted(path))
    finally:
        os.close(fd)
    hint = f"convert it: `iconv -f LATIN1 -t UTF-8 {path}`"
    return Code(_utf8(content, quoted(path), hint=hint), _mode(status))


def mode_of(path: str) -> int:
    """0755 for what can be executed, else 0644."""
    return _mode(regular(path, "it was there before: -f copies files that stay"))


def regular(path: str, hint: str, of_no_file: str | None = None) -> os.stat_result:
    """Refuses what is not there or is no file, without opening it: a FIFO would wait, a device may act."""
    if not path or "\0" in path:
        raise UsageError(f"{quoted(path)} names no file", hint=hint)
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


def open_file(path: str) -> int:
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


def read(fd: int, what: str) -> bytes:
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
