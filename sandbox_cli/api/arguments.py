"""What somebody says of a job in Python, looked at: wrong values are one sentence each, before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sandbox_cli.api.perform import CAPTURE_BYTES
from sandbox_cli.api.request import Given, check_words, to_bytes
from sandbox_cli.errors import PolicyError, SandboxError, UsageError
from sandbox_cli.given import code as codes
from sandbox_cli.given import contents, files
from sandbox_cli.policy import units
from sandbox_cli.policy.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.api.options import OnOutput
    from sandbox_cli.given.code import Code
    from sandbox_cli.job import Job

BY_NAME = ("env", "files", "limits")  # those of a job go over a Sandbox's one by one


class Asked(NamedTuple):
    """A job, and what of it is no part of the request."""

    given: Given
    capture: int
    on_output: OnOutput | None


class _UnfitError(Exception):
    """A value of a wrong type: what is expected in its place, and what within it is wrong."""

    def __init__(self, expected: str, within: str = "") -> None:
        super().__init__(expected)
        self.within = within


def asked(code: object, options: Mapping[str, object]) -> Asked:
    """Raises UsageError for a value that is none."""
    said = read(options)
    inputs: dict[str, bytes | str] = said.pop("files", {})
    stdin, on_output = said.pop("stdin", None), said.pop("on_output", None)
    capture = said.pop("capture", CAPTURE_BYTES)
    said.pop("audit", None)
    job = cast("Job", said)
    check_words([*job.get("args", []), *(job.get("command") or [])], job.get("env", {}), os.fsencode)
    check_words(job.get("env", {}).values(), {}, os.fsencode)
    text: Code | None = None
    if code is not None:
        text = _code(code)
        job["code"] = text.content
    if (file := job.get("file")) is not None:
        text = codes.of_file(file)
    names = contents.names(inputs)
    job["files"] = [files.of_path(path, names[name]) for name, path in inputs.items() if isinstance(path, str)]
    texts = {name: content for name, content in inputs.items() if isinstance(content, bytes)}
    return Asked(Given(job, text, texts, stdin), capture, on_output)


def check_names(options: Mapping[str, object], shape: type) -> None:
    """Raises TypeError for a keyword that there is not, as Python itself does."""
    for name in options:
        if name not in shape.__annotations__:
            like = nearest(name, shape.__annotations__)
            meant = f". Did you mean {like!r}?" if like is not None else ""
            raise TypeError(f"got an unexpected keyword argument {name!r}{meant}")


def read(options: Mapping[str, object]) -> dict[str, Any]:
    """Each option that is there, in the type that a job has it in."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        try:
            found[name] = _READ[name](value)
        except _UnfitError as expected:
            what = expected.within or f"it is {repr(value) if isinstance(value, (str, int)) else type(value).__name__}"
            raise UsageError(f"{name} must be {expected}; {what}") from None
        except SandboxError as error:
            error.message = f"{name}: {error.message}"
            raise
    return found


def merged(defaults: Mapping[str, object], options: Mapping[str, object]) -> dict[str, object]:
    """A job's options over those of its Sandbox."""
    both = {**defaults, **{name: value for name, value in options.items() if value is not None}}
    for name in BY_NAME:
        first, second = defaults.get(name), options.get(name)
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            both[name] = {**first, **second}
    return both


def _code(code: object) -> Code:
    if isinstance(code, os.PathLike):
        raise UsageError("code must be a program's text, not a path", hint="a file is given by file=...")
    if not isinstance(code, (str, bytes)):
        raise UsageError(f"code must be text or bytes, not {type(code).__name__}")
    content = to_bytes(code, "code") if isinstance(code, str) else code
    return codes.of_text(content, "code", hint="a program's text is UTF-8")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _UnfitError("text")
    return _sound(value)


def path(value: object) -> str:
    """A name on this machine, as text."""
    try:
        name = os.fsdecode(cast("Any", value))
    except TypeError:
        raise _UnfitError("text or a path") from None
    return _sound(name)


def policy(value: object) -> str:
    """A name or a path: what was a path stays one."""
    name = path(value)
    return os.path.join(os.curdir, name) if isinstance(value, os.PathLike) and "/" not in name else name  # noqa: PTH118


def _sound(text: str) -> str:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise UsageError(f"{text!a}: a lone surrogate is no text") from None
    if "\0" in text:
        raise UsageError(f"{text!a} holds a NUL")
    return text


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise _UnfitError("True or False")
    return value


def _words(value: object) -> list[str]:
    expected = 'a sequence of texts, such as ["-v", "x"]'
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _UnfitError(expected)
    words = list(cast("Sequence[object]", value))
    for word in words:
        if not isinstance(word, str):
            raise _UnfitError(expected, f"{word!r:.40} is {type(word).__name__}")
    return cast("list[str]", words)


def _command(value: object) -> list[str]:
    words = _words(value)
    if not words:
        raise _UnfitError('a program and its arguments, such as ["ls", "-l"]')
    return words


def _named(value: object, expected: str, kinds: tuple[type, ...]) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _UnfitError(expected)
    pairs = dict(cast("Mapping[object, object]", value))
    for name, each in pairs.items():
        if not isinstance(name, str):
            raise _UnfitError(expected, f"the name {name!r:.40} is {type(name).__name__}")
        if not isinstance(each, kinds) or isinstance(each, bool):
            raise _UnfitError(expected, f"{name!r} is {type(each).__name__}")
    return cast("dict[str, Any]", pairs)


def _variables(value: object) -> dict[str, str]:
    return _named(value, 'a mapping from names to texts, such as {"MODE": "fast"}', (str,))


def _limits(value: object) -> dict[str, str]:
    expected = 'a mapping from names to texts or numbers, such as {"memory": "1GiB", "processes": 8}'
    return {name: str(each) for name, each in _named(value, expected, (str, int, float)).items()}


def _files(value: object) -> dict[str, bytes | str]:
    """Content as bytes, the path of a file or folder as text."""
    expected = "a mapping from names to text, bytes or a path"
    given = _named(value, expected, (str, bytes, bytearray, os.PathLike))
    found: dict[str, bytes | str] = {}
    for name, each in given.items():
        if isinstance(each, os.PathLike):
            found[_sound(name)] = path(cast("object", each))
        else:
            found[_sound(name)] = to_bytes(each, name) if isinstance(each, str) else bytes(each)
    return found


def _stdin(value: object) -> bytes | int:
    """An open file by its fd; one that has none is read here."""
    if isinstance(value, str):
        return to_bytes(value, "text")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if hasattr(value, "read"):
        stream: Any = value
        try:
            value = stream.fileno()
        except (AttributeError, OSError, ValueError):  # in memory
            return _stdin(stream.read())
    if not isinstance(value, int) or isinstance(value, bool):
        raise _UnfitError("text, bytes, an open file or an fd")
    try:
        os.fstat(value)
    except (OSError, OverflowError):
        raise UsageError(f"fd {value} is not open") from None
    return value


def _capture(value: object) -> int:
    if isinstance(value, str):
        try:
            return int(units.parse("size", value))
        except PolicyError as error:
            raise UsageError(error.message, hint=error.hint) from None
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _UnfitError('a size such as "1MiB", or a number of bytes')
    return value


def _callback(value: object) -> object:
    if not callable(value):
        raise _UnfitError("something that can be called with a stream's name and bytes")
    return value


_READ: Mapping[str, Callable[[object], object]] = {
    "args": _words,
    "audit": path,
    "backend": _text,
    "best_effort": _flag,
    "capture": _capture,
    "collect": _words,
    "command": _command,
    "env": _variables,
    "file": path,
    "files": _files,
    "id": _text,
    "language": _text,
    "limits": _limits,
    "locked": _flag,
    "network": _text,
    "on_output": _callback,
    "policy": policy,
    "stdin": _stdin,
    "value": _flag,
    "venv": path,
    "workspace": path,
}
