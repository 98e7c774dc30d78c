"""The tests of a policy: `python.test.yaml` beside `python.yaml`, read as strictly as the policy itself.

A test runs something under the policy and says what must come of it: that the policy lets it be done, or that it is
denied. Nothing in the file is a template, and of the host it can name only files that stand beside it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, cast

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import nodes, reading, units
from sandbox_cli.policy.grammar_of_tests import ANY, TESTS
from sandbox_cli.policy.layers import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox_cli.policy.guard import Guard
    from sandbox_cli.policy.layers import Entry
    from sandbox_cli.policy.nodes import Node, Scalar
    from sandbox_cli.policy.scalars import Value

    Values = Mapping[tuple[str, ...], Value]

_EXAMPLE = "write as in tests: {says hello: {command: [echo, hello], expect: allowed}}"
_RUNS = ("code", "file", "command")
_EXPECTS = "write `expect: allowed`, `expect: denied`, or what must come of it, as in {status: memory-limit}"


class Words(NamedTuple):
    """What a text must be: exactly this, or whatever fits a pattern of `*`, `?` and `[...]`."""

    text: str
    is_pattern: bool = False


@dataclass(frozen=True)
class Expected:
    """What must come of a test; None where anything may.

    `denied` is the errno that has to tell of it, or "any". Each glob of `artifacts` must name one at least, and there
    must be none that no glob names.
    """

    status: str | None = None
    denied: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    stdout: Words | None = None
    stderr: Words | None = None
    artifacts: Mapping[str, Words] | None = None
    cause: Words | None = None
    blame: str | None = None
    limit_hits: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyTest:
    """One test, with the place of its name. Exactly one of `code`, `file` and `command` is given, as in a job."""

    name: str
    source: str
    line: int | None
    expected: Expected
    code: str | None = None
    file: str | None = None  # beside the tests
    command: tuple[str, ...] = ()
    language: str | None = None
    args: tuple[str, ...] = ()
    stdin: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Mapping[str, str] = field(default_factory=dict[str, str])
    network: str | None = None
    collect: tuple[str, ...] = ()


def read_tests(path: Path, *, guarded: Guard) -> list[PolicyTest]:
    """The tests of a file, in its order. PolicyError, with the place, for whatever can't be one."""
    root = nodes.compose(reading.read(path, guarded=guarded), str(path))
    if not isinstance(root, nodes.Mapping):
        raise PolicyError("the file holds no tests", file=str(path), hint=_EXAMPLE)
    entries = read(TESTS, root)
    tests = _below(root, "tests")
    if not isinstance(tests, nodes.Mapping) or not tests.entries:
        raise root.spot.error("the file holds no tests", hint=_EXAMPLE)
    said: dict[str, list[Entry]] = {key.text: [] for key, _ in tests.entries}
    for entry in entries:
        if entry.act != "set":
            hint = "a test inherits nothing: leave it out, or write the whole list"
            raise entry.spot.error("neither null nor a + means anything here", clause=".".join(entry.path), hint=hint)
        if entry.path[0] == "tests":
            said[entry.path[1]].append(entry)
    return [_test(key, node, {each.path[2:]: each.value for each in said[key.text]}) for key, node in tests.entries]


def _test(key: Scalar, node: Node, values: Values) -> PolicyTest:
    clause = f"tests.{key.text}"
    _refuse_empty(node, ("tests", key.text))
    if not any((word,) in values for word in _RUNS):
        raise key.spot.error("the test runs nothing", clause=clause, hint=f"say one of {', '.join(_RUNS)}")
    expect = _below(node, "expect")
    if expect is None:
        raise key.spot.error("the test doesn't say what it expects", clause=clause, hint=_EXPECTS)
    return PolicyTest(
        name=key.text,
        source=key.spot.file,
        line=key.spot.line,
        expected=_expected(values, expect),
        code=_text(values, "code"),
        file=_text(values, "file"),
        command=_list(values, "command"),
        language=_text(values, "language"),
        args=_list(values, "args"),
        stdin=_given(_words(values).get("stdin", Words(""))),
        files={name: _given(words) for name, words in _words(values, "files").items()},
        env={name: str(value) for name, value in _table(values, "env").items()},
        limits={
            name: units.format_limit(name, cast("float", value)) for name, value in _table(values, "limits").items()
        },
        network=_text(values, "network"),
        collect=_list(values, "collect"),
    )


def _expected(values: Values, node: Node) -> Expected:
    word = _text(values, "expect")
    if word is not None:
        return Expected(status="ok") if word == "allowed" else Expected(denied=ANY)
    texts = _words(values, "expect")
    denied, exit_code = _text(values, "expect", "denied"), values.get(("expect", "exit_code"))
    status, signal = _text(values, "expect", "status"), _text(values, "expect", "signal")
    if status is None and denied is None:
        status = "signalled" if signal is not None else "nonzero-exit" if exit_code else "ok"
    return Expected(
        status=status,
        denied=denied,
        exit_code=cast("int | None", exit_code),
        signal=signal,
        stdout=texts.get("stdout"),
        stderr=texts.get("stderr"),
        artifacts=None if _below(node, "artifacts") is None else _words(values, "expect", "artifacts"),
        cause=texts.get("cause"),
        blame=_text(values, "expect", "blame"),
        limit_hits=_list(values, "expect", "limit_hits"),
    )


def _below(node: Node, name: str) -> Node | None:
    entries: Sequence[tuple[Scalar, Node]] = node.entries if isinstance(node, nodes.Mapping) else ()
    return next((value for key, value in entries if key.text == name), None)


def _text(values: Values, *path: str) -> str | None:
    value = values.get(path)
    return None if value is None else str(value)


def _list(values: Values, *path: str) -> tuple[str, ...]:
    return cast("tuple[str, ...]", values.get(path, ()))


def _table(values: Values, *path: str) -> dict[str, Value]:
    """What stands right below a path."""
    return {key[-1]: value for key, value in values.items() if key[:-1] == path}


def _words(values: Values, *path: str) -> dict[str, Words]:
    """The texts right below a path, and what stands in the place of one: {pattern: ...} or {base64: ...}."""
    found: dict[str, Words] = {}
    for key, value in values.items():
        if key[:-1] == path and isinstance(value, str):
            found[key[-1]] = Words(value)
        elif len(key) > 1 and key[:-2] == path:
            found[key[-2]] = Words(str(value), is_pattern=True)
    return found


def _refuse_empty(node: Node, path: tuple[str, ...]) -> None:
    """A map without keys would be read as if nothing stood there; but for `artifacts`, it says nothing."""
    if not isinstance(node, nodes.Mapping):
        return
    if not node.entries and path[2:] != ("expect", "artifacts"):
        raise node.spot.error("an empty map says nothing here", clause=".".join(path), hint="fill it, or leave it out")
    for key, value in node.entries:
        _refuse_empty(value, (*path, key.text))


def _given(words: Words) -> bytes:
    """What a program is given: the text itself, or what its base64 stands for."""
    return base64.b64decode(words.text) if words.is_pattern else words.text.encode()
