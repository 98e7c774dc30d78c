"""The line of an audit: what it says of who ran a job, and that no cause brings words of the job into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest

from sandbox_cli.audit import line
from sandbox_cli.errors import HostError, PolicyError, RefusedError, SandboxError, UsageError
from sandbox_cli.result import Outcome, Status, refusal

SECRET = "hunter2"
OF_NUMBERS = {
    "wall-time-limit", "cpu-time-limit", "memory-limit", "output-limit", "scratch-limit", "file-size-limit",
    "syscall-denied", "signalled", "cancelled",
}  # fmt: skip


def said(outcome: Outcome, error: SandboxError | None = None) -> Any:
    return line.line_of(outcome, None, job_id="1", kind="run", began_ns=0, error=error)


@pytest.mark.parametrize("status", sorted(set(get_args(Status)) - OF_NUMBERS))
def test_cause_that_may_quote_the_job_is_told_in_words_of_our_own(status: Status) -> None:
    outcome: Outcome = {**refusal(HostError(SECRET), "1"), "status": status, "cause": SECRET, "exit_code": 1}
    found = said(outcome)
    assert SECRET not in repr(found)
    assert (found["cause"] is None) == (status in ("ok", "nonzero-exit"))


REFUSALS = [UsageError, PolicyError, HostError, RefusedError]


@pytest.mark.parametrize("kind", REFUSALS)
def test_each_kind_of_refusal_has_words_of_its_own(kind: type[SandboxError]) -> None:
    error = kind(SECRET, hint=SECRET)
    others = {said(refusal(each("x"), "1"), each("x"))["cause"] for each in REFUSALS if each != kind}
    found = said(refusal(error, "1"), error)
    assert SECRET not in repr(found)
    assert found["cause"] not in others


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        ("limits.memory", "limits.memory"),
        (f"limits.{SECRET}", "limits"),
        ("language.compile.limits.memory", "language.compile.limits.memory"),
        (f"language.compile.limits.{SECRET}", "language"),
        ("language.compile", "language.compile"),
        (f"filesystem./home/{SECRET}", "filesystem"),
        (f"environment.{SECRET}", "environment"),
        ("audit", "audit"),
    ],
)
def test_clause_is_told_as_far_as_it_is_a_word_of_the_policy_language(clause: str, told: str) -> None:
    error = RefusedError("x", blame={"clause": clause, "source": "option", "file": None, "line": None})
    found = said(refusal(error, "1"), error)
    assert found["blame"]["clause"] == told
    assert found["cause"].startswith(f"{told}: ")


@pytest.mark.parametrize(("text", "uid"), [("1000", 1000), ("4294967295", None), (None, None)])
def test_who_logged_in_is_told_where_the_kernel_knows(
    text: str | None, uid: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "loginuid").write_text(text or "")
    file = tmp_path / ("loginuid" if text is not None else "none")
    monkeypatch.setattr(line, "Path", lambda path: file if path == "/proc/self/loginuid" else Path(path))
    assert said(refusal(HostError("x"), "1"))["account"]["login_uid"] == uid


def test_times_are_in_utc_to_the_microsecond() -> None:
    assert said(refusal(HostError("x"), "1"))["started"] == "1970-01-01T00:00:00.000000Z"
