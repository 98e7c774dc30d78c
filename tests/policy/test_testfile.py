"""The file of a policy's tests: what it may say, and that every mistake in it is told with its place."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy.guard import Guard
from sandbox_cli.policy.testfile import Expected, PolicyTest, Words, read_tests

if TYPE_CHECKING:
    from pathlib import Path

ALL = r"""
version: 1
tests:
  everything:
    code: |
      print(f"{{x}} {%")
    language: python
    args: ["two\nlines", "{{ file }}"]
    stdin: {base64: AP8=}
    files: {b/in.txt: "text\n", a.bin: {base64: AA==}}
    env: {NAME: "{{ x }}"}
    limits: {memory: 64MiB, wall_time: 1500ms}
    network: none
    collect: ["*.txt"]
    expect:
      status: nonzero-exit
      exit_code: 3
      stdout: "exact\n"
      stderr: {pattern: "*error*"}
      artifacts: {"*.txt": {pattern: "*"}, a.txt: text}
      cause: "no cause"
      blame: limits.memory
      limit_hits: [processes]
"""


def read(folder: Path, text: str) -> list[PolicyTest]:
    path = folder / "policy.test.yaml"
    path.write_text(textwrap.dedent(text))
    return read_tests(path, guarded=Guard.NONE)


def one(folder: Path, body: str) -> PolicyTest:
    (found,) = read(folder, f"tests:\n  one: {{{body}}}\n")
    return found


def test_everything_that_a_job_has_is_read_and_nothing_in_it_is_a_template(tmp_path: Path) -> None:
    (found,) = read(tmp_path, ALL)
    assert found == PolicyTest(
        name="everything",
        source=str(tmp_path / "policy.test.yaml"),
        line=4,
        code='print(f"{{x}} {%")\n',
        language="python",
        args=("two\nlines", "{{ file }}"),
        stdin=b"\0\xff",
        files={"b/in.txt": b"text\n", "a.bin": b"\0"},
        env={"NAME": "{{ x }}"},
        limits={"memory": "64MiB", "wall_time": "1500ms"},
        network="none",
        collect=("*.txt",),
        expected=Expected(
            status="nonzero-exit",
            exit_code=3,
            stdout=Words("exact\n"),
            stderr=Words("*error*", is_pattern=True),
            artifacts={"*.txt": Words("*", is_pattern=True), "a.txt": Words("text")},
            cause=Words("no cause"),
            blame="limits.memory",
            limit_hits=("processes",),
        ),
    )
    assert list(found.files) == ["b/in.txt", "a.bin"]  # in their order: a compiler may mind


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("allowed", Expected(status="ok")),
        ("denied", Expected(denied="any")),
        ("{denied: EROFS}", Expected(denied="EROFS")),
        ('{stdout: ""}', Expected(status="ok", stdout=Words(""))),
        ("{exit_code: 0}", Expected(status="ok", exit_code=0)),
        ("{exit_code: 3}", Expected(status="nonzero-exit", exit_code=3)),
        ("{signal: SIGSEGV}", Expected(status="signalled", signal="SIGSEGV")),
        ("{status: compile-error, exit_code: 1}", Expected(status="compile-error", exit_code=1)),
        ("{denied: EPERM, exit_code: 1}", Expected(denied="EPERM", exit_code=1)),
        ("{artifacts: {}}", Expected(status="ok", artifacts={})),
    ],
)  # fmt: skip
def test_what_is_not_said_of_the_end_follows_from_the_rest(tmp_path: Path, written: str, expected: Expected) -> None:
    assert one(tmp_path, f"code: x, expect: {written}").expected == expected


@pytest.mark.parametrize(
    ("text", "line", "told", "hint"),
    [
        ("", None, "holds no tests", "write as in"),
        ("- a\n", None, "holds no tests", "write as in"),
        ("version: 1\n", 1, "holds no tests", "write as in"),
        ("tests: {}\n", 1, "holds no tests", "write as in"),
        ("test: {}\n", 1, "unknown key 'test'", "did you mean `tests`?"),
        ("tests:\n  a: {code: x, expect: allowed}\n  a: {code: y, expect: denied}\n", 3, "a second time", "keep one"),
        ("tests:\n  ' ': {code: x, expect: allowed}\n", 2, "a name that can be read", "in a few words"),
        ('tests:\n  "\\x1b[2J": {code: x, expect: allowed}\n', 2, "control character U+001B", "hide"),
        ("tests:\n  a: {code: x, expct: allowed}\n", 2, "unknown key 'expct'", "did you mean `expect`?"),
        ("tests:\n  a:\n    expect: allowed\n", 2, "the test runs nothing", "code, file, command"),
        ("tests:\n  a:\n    code: x\n", 2, "doesn't say what it expects", "expect: denied"),
        ("tests:\n  a: {code: x, command: [y], expect: allowed}\n", 2, "can't stand together", "keep one"),
        ("tests:\n  a: {code: x, expect: forbidden}\n", 2, "'forbidden' is none of", "allowed, denied"),
        ("tests:\n  a: {code: x, expect: {}}\n", 2, "an empty map says nothing", "leave it out"),
        ("tests:\n  a: {code: x, expect: {stdout: {}}}\n", 2, "an empty map says nothing", "leave it out"),
        ("tests:\n  a: {code: x, stdin: null, expect: allowed}\n", 2, "neither null nor a +", "leave it out"),
        ("tests:\n  a: {code: x, +args: [y], expect: allowed}\n", 2, "neither null nor a +", "write the whole list"),
        ("tests:\n  a: {code: x, expect: {status: memry-limit}}\n", 2, "is none of", "did you mean `memory-limit`?"),
        ("tests:\n  a: {code: x, expect: {blame: memory}}\n", 2, "no clause 'memory'", "mean `limits.memory`?"),
        ("tests:\n  a: {code: x, expect: {denied: EROF}}\n", 2, "no errno 'EROF'", "did you mean `EROFS`?"),
        ("tests:\n  a: {code: x, expect: {signal: KILL}}\n", 2, "no signal 'KILL'", "did you mean `SIGKILL`?"),
        ("tests:\n  a: {code: x, expect: {exit_code: 256}}\n", 2, "'256' is no exit code", "0 to 255"),
        ("tests:\n  a: {code: x, expect: {exit_code: -1}}\n", 2, "'-1' is no exit code", "0 to 255"),
        ("tests:\n  a: {code: x, expect: {denied: any, status: ok}}\n", 2, "can't stand together", "keep one"),
        ("tests:\n  a: {code: x, limits: {memory: lots}, expect: allowed}\n", 2, "is not a size", "512MiB"),
        ("tests:\n  a: {code: x, limits: {memry: 1MiB}, expect: allowed}\n", 2, "no limit 'memry'", "`memory`"),
        ("tests:\n  a: {code: x, limits: {memory: none}, expect: allowed}\n", 2, "can't ask for no limit", "value"),
        ("tests:\n  a: {code: x, stdin: {base64: '?'}, expect: allowed}\n", 2, "not base64", "base64 -w0"),
        ("tests:\n  a: {code: x, files: {../x: y}, expect: allowed}\n", 2, "can't be the path", "relative"),
        ("tests:\n  a: {code: x, files: {/etc/x: y}, expect: allowed}\n", 2, "can't be the path", "relative"),
        ("tests:\n  a: {file: ../secret.py, expect: allowed}\n", 2, "leads out of the folder", "beside the tests"),
        ("tests:\n  a: {file: /etc/shadow, expect: allowed}\n", 2, "leads out of the folder", "beside the tests"),
        ("tests:\n  a: {code: x, collect: [../*], expect: allowed}\n", 2, "leads out of scratch", "relative"),
        ("tests:\n  a: {code: x, expect: {artifacts: {../x: y}}}\n", 2, "leads out of scratch", "relative"),
        ('tests:\n  a: {code: x, args: ["a\\0b"], expect: allowed}\n', 2, "control character U+0000", "take it out"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_what_was_meant(
    tmp_path: Path, text: str, line: int | None, told: str, hint: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        read(tmp_path, text)
    error = caught.value
    assert (error.file, error.line) == (str(tmp_path / "policy.test.yaml"), line)
    assert told in error.message
    assert hint in (error.hint or "")


def test_a_name_as_long_as_it_likes_is_refused_in_few_words(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="a name that can be read") as caught:
        read(tmp_path, f"tests:\n  {'x' * 900}: {{code: x, expect: allowed}}\n")
    assert len(str(caught.value)) < 600
