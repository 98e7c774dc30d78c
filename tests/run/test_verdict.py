"""Every witness has its place in the order of precedence, and every end of a program its own status."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from sandbox_cli.run import verdict
from sandbox_cli.run.limits import amounts

BLAME = {"clause": "limits.memory", "source": "file", "file": "/p.yaml", "line": 7}
LIMITS: Any = {
    name: {"value": value, "asked": asked, "level": "strict", "enforcer": "x", "blame": BLAME}
    for name, value, asked in [
        ("wall_time", 10.0, "10s"),
        ("cpu_time", 2.0, "2s"),
        ("memory", 1 << 29, "512MiB"),
        ("output", 1 << 20, "1MiB"),
        ("file_size", 1 << 20, "1MiB"),
        ("scratch_size", 1 << 20, "1MiB"),
    ]
}  # fmt: skip


def judge(**seen: Any) -> verdict.Verdict:
    witnesses: Any = {
        "cancelled": None, "killed": None, "failure": None, "started": True, "end": None, "cpu_time_s": 0.1,
        "kernel_killed": None,
        "report": {"failed": None, "hint": None}, "syscalls": None,
    }  # fmt: skip
    return verdict.judge(witnesses | seen, LIMITS, "prog")


@pytest.mark.parametrize(
    ("seen", "status", "exit_code", "signal"),
    [
        ({"end": ["exit", "0"]}, "ok", 0, None),
        ({"end": ["exit", "139"]}, "nonzero-exit", 139, None),
        ({"end": ["signal", "11", "1"]}, "signalled", None, "SIGSEGV"),
        ({"end": ["signal", "37", "0"]}, "signalled", None, "SIGRTMIN+3"),
        ({"end": ["signal", "25", "0"]}, "file-size-limit", None, "SIGXFSZ"),
        ({"end": ["signal", "31", "0"]}, "signalled", None, "SIGSYS"),
        ({"end": ["signal", "31", "0"], "syscalls": BLAME}, "syscall-denied", None, "SIGSYS"),
        ({"end": ["signal", "24", "0"], "cpu_time_s": 2.0}, "cpu-time-limit", None, "SIGXCPU"),
        ({"end": ["signal", "9", "0"], "cpu_time_s": 2.5}, "cpu-time-limit", None, "SIGKILL"),
        ({"end": ["signal", "9", "0"], "cpu_time_s": 1.0}, "signalled", None, "SIGKILL"),
        ({"end": ["execfail", str(errno.ENOENT)]}, "cannot-start", 127, None),
        ({"end": ["execfail", str(errno.EACCES)]}, "cannot-start", 126, None),
        ({"end": ["execfail", str(errno.ENOEXEC)]}, "cannot-start", 126, None),
        ({"killed": ("wall_time", "still running")}, "wall-time-limit", None, "SIGKILL"),
        ({"killed": ("memory", "600 MiB in use")}, "memory-limit", None, "SIGKILL"),
        ({"kernel_killed": "killed by the kernel", "end": ["exit", "0"]}, "memory-limit", None, "SIGKILL"),
        ({"kernel_killed": "killed by the kernel", "end": ["signal", "9", "0"]}, "memory-limit", None, "SIGKILL"),
        ({"killed": ("output", "more was written")}, "output-limit", None, "SIGKILL"),
        ({"killed": ("scratch_size", "2 MiB in use")}, "scratch-limit", None, "SIGKILL"),
        ({"failure": "its group is gone", "end": ["exit", "0"]}, "sandbox-error", None, None),
        (
            {"failure": "its group is gone", "killed": ("wall_time", "still running")},
            "wall-time-limit",
            None,
            "SIGKILL",
        ),
        ({"cancelled": 2}, "cancelled", None, "SIGINT"),
        ({}, "signalled", None, "SIGKILL"),
        ({"started": False}, "sandbox-error", None, None),
        ({"end": ["armfail", "filter", "22"], "started": False}, "sandbox-error", None, None),
    ],
)
def test_each_end_has_its_status(seen: dict[str, Any], status: str, exit_code: int | None, signal: str | None) -> None:
    found = judge(**seen)
    assert (found["status"], found["exit_code"], found["signal"]) == (status, exit_code, signal)


def test_a_cancellation_goes_over_a_limit_and_a_limit_over_the_launchers_word() -> None:
    assert judge(cancelled=15, killed=("wall_time", "x"), end=["exit", "0"])["status"] == "cancelled"
    assert judge(killed=("wall_time", "x"), end=["exit", "0"])["status"] == "wall-time-limit"


def test_the_supervisors_kill_goes_over_the_groups_count_and_that_over_the_launchers_word() -> None:
    counted = {"kernel_killed": "killed by the kernel", "end": ["signal", "24", "0"], "cpu_time_s": 9.0}
    assert judge(killed=("wall_time", "x"), **counted)["status"] == "wall-time-limit"
    assert judge(**counted)["status"] == "memory-limit"
    assert judge(cancelled=15, **counted)["status"] == "cancelled"


def test_the_launchers_word_goes_over_the_jailers_report() -> None:
    assert judge(end=["exit", "0"], report={"failed": "no such thing", "hint": None})["status"] == "ok"


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0012, "1ms"), (0.0099, "9ms"), (0.9999, "999ms"), (1.0, "1.00s"), (2.119, "2.11s")],
)  # fmt: skip
def test_seconds_are_told_as_finely_as_a_limit_can_be_small(value: float, words: str) -> None:
    assert amounts.seconds(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(1, "1B"), (8192, "8KiB"), ((1 << 20) + 1, "1.1MiB"), (600 << 20, "600MiB"), (5 << 30, "5GiB")],
)
def test_sizes_are_told_as_more_than_the_limit_that_they_are_over(value: int, words: str) -> None:
    assert amounts.size(value) == words


def test_a_broken_seal_goes_over_what_the_jailer_says() -> None:
    found = judge(started=False, failure="uid is 0", report={"failed": "something else", "hint": "do this"})
    assert found["status"] == "sandbox-error"
    assert found["error"] is not None
    assert found["error"]["message"] == "uid is 0"


def test_the_cause_begins_with_the_clause_and_the_blame_names_its_line() -> None:
    found = judge(killed=("memory", "600 MiB in use"))
    assert found["cause"] == "limits.memory: 600 MiB in use; 512MiB allowed"
    assert found["blame"] == BLAME
