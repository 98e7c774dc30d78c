"""One job of a batch: what its line says, what it doesn't say, and the outcome, whatever becomes of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sandbox_cli.api.perform import CAPTURE_BYTES, Performed, perform
from sandbox_cli.api.request import of_request
from sandbox_cli.audit.job import AuditedJob, refused
from sandbox_cli.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.api.plans import Plans
    from sandbox_cli.api.request import Given, JobRequest
    from sandbox_cli.batch.jobs import Asked


class Defaults(NamedTuple):
    """What holds for jobs that say nothing else. `keys`: of a job, as in JSON; `language`: of those that are code."""

    keys: Mapping[str, str] = {}
    language: str | None = None
    limits: Mapping[str, str] = {}
    locked: bool = False
    best_effort: bool = False
    capture_bytes: int = CAPTURE_BYTES

    def of(self, document: dict[str, Any]) -> dict[str, Any]:
        """`document` with what it leaves out."""
        said = {key: value for key, value in document.items() if value is not None}
        merged: dict[str, Any] = {**self.keys, **said}
        if self.language is not None and "command" not in said:
            merged.setdefault("language", self.language)
        limits = merged.get("limits", {})
        if self.limits and isinstance(limits, dict):
            merged["limits"] = {**self.limits, **cast("dict[str, object]", limits)}
        return merged


def performed(
    asked: Asked, plans: Plans, defaults: Defaults, *, cancel: int, retries: int, turns: int | None = None
) -> Performed:
    """How the job went; where the sandbox itself failed, how it went the last time.

    `cancel` and `turns` are as `perform` has them.
    """
    if asked.request is None:
        assert asked.problem is not None
        return _refused(asked, asked.problem, plans)  # not raised, which would tie it to itself until it is collected
    try:
        given = _given(asked.request, defaults)
    except SandboxError as error:
        return _refused(asked, error, plans)
    capture = defaults.capture_bytes
    once = partial(perform, given, plans, kind="batch", cancel=cancel, capture=capture, turns=turns)
    for _ in range(retries):
        done = once()
        if done.outcome["status"] != "sandbox-error":
            return done
    return once()


def _given(request: JobRequest, defaults: Defaults) -> Given:
    given = of_request(request)
    if defaults.locked:
        given.job["locked"] = True
    if defaults.best_effort:
        given.job["best_effort"] = True
    return given


def _refused(asked: Asked, error: SandboxError, plans: Plans) -> Performed:
    """What is no job has its line in every audit, too."""
    error.message = f"line {asked.line}: {error.message}"
    audited = AuditedJob(asked.id, plans.ceilings)
    try:
        audited.open("batch", plans.demands)
    except SandboxError as closed:
        return Performed(refused(closed, asked.id), closed, str(closed))
    audited.identify(error)
    outcome = refused(error, asked.id)
    return Performed(outcome, error, audited.write(outcome, error))
