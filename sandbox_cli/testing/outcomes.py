"""What came of a test, as it is printed."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.result import Status

Verdict = Literal["passed", "failed", "skipped"]


class Mismatch(TypedDict):
    """One thing that did not come as expected; both in words."""

    what: str
    expected: str
    observed: str


class Tested(TypedDict):
    """A test of a policy on one backend.

    `skipped`: what it needs is not here, `reason` says what and `fix` what would bring it; a skip is no pass. `status`,
    `cause` and the end of `stderr` are those of the job, null where none ran.
    """

    policy: str
    name: str
    file: str
    line: int | None
    backend: str
    verdict: Verdict
    mismatches: list[Mismatch]
    reason: str | None
    fix: str | None
    status: Status | None
    cause: str | None
    stderr: str | None
    time_s: float
