"""Globs: how long one takes is a matter of its length, not of how it is written."""

from __future__ import annotations

import time

import pytest

from sandbox_cli.run.globs import matcher

DEEP = b"/".join([b"a" * 30] * 128)


@pytest.mark.parametrize(
    "glob",
    [
        "**/" * 1000 + "*x",
        "**/*/" * 200 + "x",
        "**/a*/" * 200 + "x",
        "*a" * 120 + "x",
        "**/" + "*a" * 120 + "x/**",
        "[!b]*" * 50 + "x",
    ],
)
def test_a_hostile_glob_takes_no_time_to_speak_of(glob: str) -> None:
    matches = matcher([glob])
    began = time.process_time()
    for path in (DEEP, b"a" * 255, DEEP[: len(DEEP) // 2]):
        assert not matches(path)
    assert time.process_time() - began < 1


def test_many_globs_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    matches = matcher([f"*{number}" for number in range(2000)])
    began = time.process_time()
    for _ in range(20):
        assert not matches(b"x")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("**/**", b"a/b", None),
        ("**/**/x", b"x", b"y"),
        ("a/**/**/b", b"a/b", b"a/c"),
        ("a/**", b"a/b/c", b"b/a"),
        ("?", b"\xff", b"ab"),
        ("*\n", b"a\n", b"a"),
        ("**", b"..\n", None),
        ("[a-c]", b"b", b"d"),
        ("a.b", b"a.b", b"aXb"),
        ("*.png", b".png", b"A.PNG"),
    ],
)
def test_globs_say_what_they_say(glob: str, yes: bytes, no: bytes | None) -> None:
    matches = matcher([glob, "never"])
    assert matches(yes)
    assert no is None or not matches(no)
