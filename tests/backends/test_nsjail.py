"""nsjail: its gaps, its quoting, its config. What it says when it makes no jail is in test_reports.py."""

from __future__ import annotations

import pytest

from sandbox_cli.backends import nsjail
from tests.backends.given import HOSTILE, fixed_host, policy, system_here
from tests.backends.jails import Jailer, start

REAL = pytest.mark.parametrize("jailer", ["nsjail"], indirect=True)


@pytest.mark.parametrize("root", [False, True])
def test_nsjail_has_no_gaps(*, root: bool) -> None:
    assert nsjail.gaps(policy(HOSTILE), fixed_host(root=root)) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ('\\"', r'"\\\""'),
        ("one\ntwo", r'"one\ntwo"'),
        ("été", '"été"'),
        (True, "true"),
        (False, "false"),
        (7, "7"),
    ],
)
def test_values_are_written_as_protobuf_text(value: object, text: str) -> None:
    assert nsjail.quote(value) == text


@REAL
def test_an_unknown_field_means_too_old(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    invocation["data"][0] += b"newer_than_this: true\n"
    ended = start(jailer, invocation, directory)
    report = nsjail.read(ended.status, ended.log)
    assert 'has no field named "newer_than_this"' in (report["failed"] or "")
    assert "too old" in (report["hint"] or "")


def test_warnings_of_a_jail_that_was_made_are_no_failure() -> None:
    warning = b"[W][2026-01-31T10:00:00+0000][1] containPrepareEnv():124 setpriority(0): Permission denied\n"
    assert nsjail.read(0, warning) == {"failed": None, "hint": None}
    assert nsjail.read(137, warning) == {"failed": None, "hint": None}
