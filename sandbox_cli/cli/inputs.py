"""What a job is given: code, files, variables, standard input; and where what it leaves is to go.

All of it is looked at before anything starts: whatever is wrong is one sentence, and nothing has run.
"""

from __future__ import annotations

import os
import posixpath
import stat
from pathlib import Path
from typing import NamedTuple

from sandbox_cli.errors import HostError, UsageError

MOST_CODE = 64 << 20  # read into memory; no program is that long


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
    status = _regular(path, "-c CODE runs a snippet, and `-` takes code from standard input")
    fd = _open(path)
    try:
        content = _read(fd, repr(path))
    finally:
        os.close(fd)
    hint = f"convert it: `iconv -f LATIN1 -t UTF-8 {path}`"
    return Code(_utf8(content, repr(path), hint=hint), _mode(status))


def files(options: list[str]) -> list[tuple[str, str]]:
    """`SRC[:DEST]` as (path on the host, path below scratch)."""
    chosen: dict[str, str] = {}
    for option in options:
        source, target = _source_and_target(option)
        _regular(source, "-f copies single files: name each, or pack them")
        if clash := next((other for other in chosen if collide(other, target)), None):
            raise UsageError(
                f"-f: {source!r} and {chosen[clash]!r} can't both be {target!r} in scratch"
                if target == clash
                else f"-f: {min(target, clash, key=len)!r} can't be a file and a folder in scratch",
                hint="give one of them another name: -f SRC:DEST",
            )
        chosen[target] = source
    return [(str(Path(source).absolute()), target) for target, source in chosen.items()]


def mode_of(path: str) -> int:
    """0755 for what can be executed, else 0644."""
    return _mode(_regular(path, "it was there before: -f copies files that stay"))


def variables(options: list[str]) -> dict[str, str]:
    """`K=V` as pairs."""
    pairs: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise UsageError(
                f"-e {option!r} has no value", hint=f'write -e {option}=VALUE, as in -e {option}="${option}"'
            )
        if not name or "\0" in option:
            raise UsageError(f"-e {option!r} names no variable", hint="write -e NAME=VALUE")
        pairs[name] = value
    return pairs


def limits(options: list[str], timeout: str | None, memory: str | None) -> dict[str, str]:
    """`NAME=VALUE` as pairs, --timeout and --memory among them. What they mean is the plan's business."""
    pairs: dict[str, str] = {}
    short = [f"{name}={value}" for name, value in (("wall_time", timeout), ("memory", memory)) if value is not None]
    for option in [*options, *short]:
        name, equals, value = option.partition("=")
        if not equals:
            raise UsageError(f"--limit {option!r} has no value", hint="write NAME=VALUE, as in --limit memory=512MiB")
        if name in pairs:
            raise UsageError(f"limit {name} is given twice", hint="give it once")
        pairs[name] = value
    return pairs


def open_stdin(path: str) -> int:
    """The file of --stdin, open for reading."""
    fd = _open(path)
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise UsageError(f"--stdin {path!r} is a directory", hint="name a file")
    return fd


def output_directory(path: str) -> str:
    """The directory of -o, made where it is missing."""
    if not path:
        raise UsageError("-o '' names no directory", hint="name a directory of yours")
    try:
        folder = Path(path).absolute()  # fails in a directory that is gone
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()  # now: the job may be able to put a link on the way
    except FileExistsError:
        raise UsageError(
            f"-o {path!r} is not a directory", hint="name a directory, or remove what stands there"
        ) from None
    except OSError as error:
        raise UsageError(f"-o {path!r} can't be made: {error.strerror}", hint="name a directory of yours") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"-o {path!r} can't be written", hint="name a directory of yours")
    return str(folder)


def _source_and_target(option: str) -> tuple[str, str]:
    """A name with a colon that exists as a whole is a SRC; else the last colon divides."""
    if os.path.lexists(option) or ":" not in option:
        return option, posixpath.basename(option.rstrip("/"))
    source, _, target = option.rpartition(":")
    if target.startswith("/") or ".." in target.split("/"):
        raise UsageError(f"-f: {target!r} leads out of scratch", hint="DEST is a path below the job's own directory")
    normal = posixpath.normpath(target)
    if normal == "." or target.endswith("/"):
        name = posixpath.basename(source.rstrip("/"))
        raise UsageError(f"-f: {target!r} names no file", hint=f"say the name too: {posixpath.join(target, name)!r}")
    return source, normal


def collide(path: str, other: str) -> bool:
    """Whether both can't be files: they are the same, or one would have to be a folder."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def _regular(path: str, hint: str) -> os.stat_result:
    """Refuses what is not there or is no file, without opening it: a FIFO would wait, a device may act."""
    if not path:
        raise UsageError("'' names no file", hint=hint)
    try:
        status = Path(path).stat()
    except OSError as error:
        raise _unreadable(path, error, hint) from None
    if stat.S_ISDIR(status.st_mode):
        raise UsageError(f"{path!r} is a directory", hint=hint)
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{path!r} is not a regular file", hint=hint)
    if not os.access(path, os.R_OK):
        raise UsageError(f"{path!r} can't be read: Permission denied", hint=f"look at `ls -l {path}`")
    return status


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error, "name a file that you can read") from None


def _unreadable(path: str, error: OSError, hint: str) -> UsageError:
    return UsageError(f"{path!r} can't be read: {error.strerror}", hint=hint)


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
