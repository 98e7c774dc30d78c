"""What came, against what was expected: each difference once, in few words however much a job wrote."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from sandbox_cli.policy.testfile import Expected, Words
from sandbox_cli.testing.judging import judge
from tests.testing.made import BLAME, outcome


def artifact(path: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    return {"path": path.encode(), "size_bytes": len(content), "sha256": digest, "content": content, "saved_to": None}


def differences(expected: Expected, **came: Any) -> list[tuple[str, str, str]]:
    found = judge(expected, outcome(**came), lambda _: False)
    return [(each["what"], each["expected"], each["observed"]) for each in found]


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        (Expected(status="ok"), {}),
        (Expected(status="nonzero-exit", exit_code=3), {"status": "nonzero-exit", "exit_code": 3}),
        (Expected(status="signalled", signal="SIGSEGV"), {"status": "signalled", "signal": "SIGSEGV"}),
        (Expected(status="memory-limit", blame="limits.memory"), {"status": "memory-limit", "blame": BLAME}),
        (Expected(stdout=Words("a\n"), stderr=Words("")), {"stdout": b"a\n"}),
        (Expected(stdout=Words("*b?[cd]*", is_pattern=True)), {"stdout": b"a\nbxd\n"}),
        (Expected(stdout=Words("*\\xff*", is_pattern=True)), {"stdout": b"a\xff"}),
        (Expected(cause=Words("limits.*", is_pattern=True)), {"cause": "limits.memory: killed"}),
        (Expected(limit_hits=("processes",)), {"limit_hits": {"processes": 3}}),
        (Expected(artifacts={}), {}),
        (Expected(artifacts={"out/**": Words("*", is_pattern=True)}), {"artifacts": [artifact("out/a/b", b"x")]}),
    ],
)
def test_what_came_as_expected_is_no_difference(expected: Expected, came: dict[str, Any]) -> None:
    assert differences(expected, **came) == []


@pytest.mark.parametrize(
    ("expected", "came", "told"),
    [
        (Expected(status="ok"), {"status": "nonzero-exit"}, ("status", "ok", "nonzero-exit")),
        (
            Expected(status="ok"), {"status": "memory-limit", "cause": "limits.memory: killed"},
            ("status", "ok", "memory-limit (limits.memory: killed)"),
        ),
        (Expected(exit_code=3), {}, ("exit_code", "3", "0")),
        (Expected(signal="SIGKILL"), {}, ("signal", "SIGKILL", "none")),
        (Expected(blame="network"), {"blame": BLAME}, ("blame", "network", "limits.memory")),
        (Expected(stdout=Words("a\n")), {"stdout": b"b\n"}, ("stdout", "'a\\n'", "'b\\n'")),
        (Expected(stderr=Words("")), {"stderr": b"\x1b[31mred"}, ("stderr", "''", "'\\x1b[31mred'")),
        (
            Expected(stdout=Words("a*", is_pattern=True)), {"stdout": b"ba"},
            ("stdout", "what fits 'a*'", "'ba'"),
        ),
        (Expected(limit_hits=("processes",)), {}, ("limit_hits", "processes", "none")),
        (Expected(artifacts={}), {"artifacts": [artifact("x", b"")]}, ("artifacts", "none", "'x'")),
        (Expected(artifacts={"a": Words("1")}), {}, ("artifacts", "'a'", "none")),
        (
            Expected(artifacts={"a": Words("1")}), {"artifacts": [artifact("a", b"2")]},
            ("artifact 'a'", "'1'", "'2'"),
        ),
    ],
)  # fmt: skip
def test_a_difference_says_what_was_expected_and_what_came(
    expected: Expected, came: dict[str, Any], told: tuple[str, str, str]
) -> None:
    assert differences(expected, **came) == [told]


def test_an_artifact_that_no_glob_names_is_one_too_many() -> None:
    left = [artifact("a", b"1"), artifact("b", b"1")]
    assert differences(Expected(artifacts={"a": Words("1")}), artifacts=left) == [
        ("artifacts", "none but these", "'b'")
    ]


def test_of_long_texts_the_first_line_that_differs_is_told() -> None:
    ours, theirs = "line\n" * 1000 + "end\n", b"line\n" * 1000 + b"END\n"
    assert differences(Expected(stdout=Words(ours)), stdout=theirs) == [("stdout", "in line 1001 'end\\n'", "'END\\n'")]
    assert differences(Expected(stdout=Words(ours)), stdout=theirs[:5000]) == [
        ("stdout", "in line 1001 'end\\n'", "the end")
    ]


def test_a_megabyte_in_one_line_is_told_in_few_words() -> None:
    ((_, wanted, came),) = differences(Expected(stdout=Words("a")), stdout=b"b" * (1 << 20), stdout_truncated=True)
    assert len(wanted) + len(came) < 500
    assert came.endswith("and 1048376 more, and more that was not kept")


def test_a_pattern_that_would_take_a_regular_expression_for_ever_takes_no_time() -> None:
    ((what, _, _),) = differences(Expected(stdout=Words("*a" * 50 + "b", is_pattern=True)), stdout=b"a" * 100_000)
    assert what == "stdout"


def test_a_thousand_files_too_many_are_told_in_few_words() -> None:
    ((_, _, came),) = differences(Expected(artifacts={}), artifacts=[artifact(f"{n:04}", b"") for n in range(1000)])
    assert came.endswith("'0007', and 992 more")
