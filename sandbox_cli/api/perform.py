"""One job of a program, a batch or an agent: request, plan, run, outcome, and its line in every audit."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.api.keys import in_keys
from sandbox_cli.api.plans import arguments
from sandbox_cli.audit.job import AuditedJob, new_id, refused
from sandbox_cli.errors import HostError, SandboxError
from sandbox_cli.given import whole
from sandbox_cli.run import execute
from sandbox_cli.run.fds import Origin

if TYPE_CHECKING:
    from sandbox_cli.api.options import OnOutput
    from sandbox_cli.api.plans import Plans
    from sandbox_cli.api.request import Given
    from sandbox_cli.audit.line import Kind
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.result import Outcome
    from sandbox_cli.run.model import Work

CAPTURE_BYTES = 1 << 20  # of each stream, as --capture has it


class Performed(NamedTuple):
    """How a job went; `error` is what kept it from running; `lost` says which audit did not get its line."""

    outcome: Outcome
    error: SandboxError | None = None
    lost: str | None = None


def perform(
    given: Given,
    plans: Plans,
    *,
    kind: Kind,
    cancel: int | None = None,
    capture: int = CAPTURE_BYTES,
    on_output: OnOutput | None = None,
    turns: int | None = None,
) -> Performed:
    """Runs one job. What keeps it from running is an outcome (`refused`), too, with the error beside it.

    `cancel` is an fd: a byte that can be read from it is the number of the signal that cancels the job. `on_output` is
    called in this thread; the job waits for it, and it must not raise. `turns` is an fd (run/turns.py): the program
    begins when it is its turn.
    """
    job = given.job
    audited = AuditedJob(job.get("id") or new_id(), plans.ceilings)
    failed: SandboxError | None = None
    opened = False
    origin = Origin()
    try:
        audited.open(kind, plans.demands)
        opened = True
        audited.describe({**job, "files": []}, given.code.content if given.code else None)
        plan = plans.of({**job, "files": [*job.get("files", []), *(("", name) for name in given.files)]})
        work = _work(given, plan, audited.id, cancel=cancel, capture=capture)
        work["turns"] = turns
        if on_output is not None:
            work["stdout"], work["stderr"] = partial(on_output, "stdout"), partial(on_output, "stderr")
        outcome = execute(plan, work)
    except SandboxError as error:
        origin.check()  # a fork that a callback made: the job, and its line, are its parent's
        in_keys(error)
        audited.identify(error)
        outcome, failed = refused(error, audited.id), error
    except BaseException:
        origin.check()
        fault = HostError("sandbox itself failed")
        audited.identify(fault)
        audited.write({**refused(fault, audited.id), "status": "sandbox-error"})
        raise
    lost = audited.write(outcome, failed) if opened else str(failed)
    return Performed(outcome, failed, lost)


def _work(given: Given, plan: Plan, job_id: str, *, cancel: int | None, capture: int) -> Work:
    job = given.job
    return {
        "id": job_id,
        "arguments": [os.fsencode(word) for word in arguments(job)],
        "file": os.fsencode(plan["file"]) if plan["file"] is not None else None,
        "inputs": whole.inputs(job, given.code, plan, given.files),
        "environment": [os.fsencode(f"{key}={value}") for key, value in job.get("env", {}).items()],
        "stdin": given.stdin,
        "stdout": None,
        "stderr": None,
        "capture": capture,
        "collect": "inline",
        "output_dir": None,
        "cancel": cancel,
    }
