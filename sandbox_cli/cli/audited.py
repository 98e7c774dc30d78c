"""One job of the command line, with its line in every audit file: also where it is refused, cancelled or fails."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.audit.job import AuditedJob, new_id, refused
from sandbox_cli.cli import output
from sandbox_cli.cli.cancel import Cancelled
from sandbox_cli.errors import HostError, RefusedError, SandboxError
from sandbox_cli.result import cancellation
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from sandbox_cli.audit.line import Kind
    from sandbox_cli.cli.cancel import Cancellation
    from sandbox_cli.cli.options import Options
    from sandbox_cli.plan.audits import Demand
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.config import Config
    from sandbox_cli.result import Outcome


class AuditedRun(AuditedJob):
    """With the configuration and the ceilings that it is run with; `lost`: a file did not get its line."""

    def __init__(self, config: Config, ceilings: Ceilings) -> None:
        super().__init__(new_id(), ceilings)
        self.config, self.ceilings, self.lost = config, ceilings, False

    def end(self, outcome: Outcome, error: SandboxError | None = None) -> None:
        problem = self.write(outcome, error)
        if problem is not None:
            self.lost = True
            output.tell(problem)


@contextmanager
def audited(kind: Kind, options: Options, cancel: Cancellation) -> Generator[AuditedRun]:
    """Whatever ends the job within, the line is written. Raises RefusedError where it could not be."""
    from sandbox_cli.plan.audits import demanded
    from sandbox_cli.policy import ceiling, config

    job = AuditedRun(config.load(), ceiling.load())
    try:
        demands = demanded(options.audit, job.config, job.ceilings)
        job.open(kind, demands)
        _refuse_replaced(demands, options)
        yield job
    except (SandboxError, Cancelled) as error:
        cancel.relay()  # a second signal must not cost the line
        job.identify(error)
        job.end(failure(error, job.id), error if isinstance(error, SandboxError) else None)
        raise
    except BaseException:
        fault = HostError("sandbox itself failed")
        job.identify(fault)
        job.end({**failure(fault, job.id), "status": "sandbox-error"})
        raise


def failure(error: SandboxError | Cancelled, job_id: str) -> Outcome:
    """The outcome of a job that `error` kept from running."""
    if not isinstance(error, Cancelled):
        return refused(error, job_id)
    return {**cancellation(error.signal, job_id), "policy": error.policy, "language": error.language}


class ReplacedAuditError(RefusedError):
    """What would replace the file of an audit: so would this refusal's own result."""


def _refuse_replaced(demands: Sequence[Demand], options: Options) -> None:
    """--result and -o --force put a file where another one stands: no audit may be that one."""
    for demand in demands:
        audit = os.path.realpath(demand.path)
        if options.result is not None and os.path.realpath(options.result) == audit:
            option = "--result"
        elif (
            options.force
            and options.output is not None
            and Path(audit).is_relative_to(os.path.realpath(options.output))
        ):
            option = "-o with --force"
        else:
            continue
        hint = "name another file, or another directory"
        raise ReplacedAuditError(f"{option} would replace {quoted(demand.path)}", hint=hint, blame=demand.blame)
