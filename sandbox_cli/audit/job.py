"""One job with its line in every audit file: also where it is refused or fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from sandbox_cli.plan.audits import identity
from sandbox_cli.result import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.audit import Audit
    from sandbox_cli.audit.line import Kind
    from sandbox_cli.errors import SandboxError
    from sandbox_cli.job import Job
    from sandbox_cli.plan.audits import Demand
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.result import Outcome, PolicyIdentity


class Ended(Protocol):
    """What kept a job from running: an error, or the caller, who wants no more of it."""

    id: str | None
    policy: PolicyIdentity | None
    language: str | None


def new_id() -> str:
    return os.urandom(8).hex()


class AuditedJob:
    """Opened before the job is looked at, written once: the first that is known of a job's end is the end of it."""

    def __init__(self, job_id: str, ceilings: Ceilings) -> None:
        self.id = job_id
        self._ceilings = ceilings
        self._audit: Audit | None = None
        self._job: Job | None = None

    def open(self, kind: Kind, demands: Sequence[Demand]) -> None:
        """Raises RefusedError where a file can't get a line."""
        if demands:
            from sandbox_cli.audit import Audit  # few jobs have one

            self._audit = Audit(self.id, kind, demands)
            self._audit.open()

    def describe(self, job: Job, code: bytes | None) -> None:
        """`code`: the program's text, where the job is code."""
        self._job = job
        if self._audit is not None:
            self._audit.describe(job, code)

    def identify(self, error: Ended) -> None:
        """Tell `error` what it kept from running: a refusal names the policy that refused, too."""
        error.id = self.id
        if self._job is not None:
            error.policy, error.language = identity(self._job, self._ceilings)

    def write(self, outcome: Outcome, error: SandboxError | None = None) -> str | None:
        """`error` is why nothing ran. Returns why a file did not get the line, or None."""
        audit, self._audit = self._audit, None
        return audit.write(outcome, error) if audit is not None else None


def try_files(demands: Sequence[Demand]) -> None:
    """Before the first of many jobs. Raises RefusedError where a file can't get a line."""
    if demands:
        from sandbox_cli.audit import Audit

        audit = Audit(new_id(), "batch", demands)
        try:
            audit.open()
        finally:
            audit.close()


def refused(error: SandboxError, job_id: str) -> Outcome:
    """The outcome of a job that `error` kept from running, with what `identify` told it."""
    return {**refusal(error, job_id), "policy": error.policy, "language": error.language}
