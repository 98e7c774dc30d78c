"""Policy + host + job -> Plan: the only place where the three meet. Cold: it may import anything, and be slow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox_cli.errors import RefusedError
from sandbox_cli.plan import assemble, audits, choose, machine, request, settle, trial
from sandbox_cli.policy import config as configuration
from sandbox_cli.policy.ceiling import load as load_ceilings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.job import Job
    from sandbox_cli.plan.choose import Choice, Look, Starts
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.plan.request import Load
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.config import Config

__all__ = ["compile", "decide"]


def compile(  # noqa: A001 (the published name)
    job: Job,
    *,
    config: Config | None = None,
    ceilings: Ceilings | None = None,
    look: Look | None = None,
    starts: Starts | None = None,
    load: Load | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Plan:
    """What running `job` means on this machine.

    `config` and `ceilings` are what the machine's files say, where they have been read already. `look` says what the
    machine offers to a backend, `starts` whether its jailer works, `load` what a policy says: by default they ask, try
    and read.
    Raises UsageError, PolicyError, HostError, and RefusedError where no backend can hold the policy.
    """
    config = config or configuration.load()
    settled, choice = decide(
        job, config=config, ceilings=ceilings, look=look, starts=starts, load=load, environ=environ
    )
    if job.get("best_effort"):
        _allow_best_effort(settled.ceilings)
    return assemble.plan(settled, choice, config.uid_range)


def _allow_best_effort(ceilings: Ceilings) -> None:
    """Of who runs something, not of who asks how well it would be held."""
    said = ceilings.against_best_effort
    if said is not None:
        hint = "run it without; `sandbox doctor` says what isn't held as required, and what would help"
        raise RefusedError("the ceiling allows no --best-effort", hint=hint, blame=said)


def decide(
    job: Job,
    *,
    config: Config,
    ceilings: Ceilings | None = None,
    look: Look | None = None,
    starts: Starts | None = None,
    load: Load | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[Settled, Choice]:
    """All that `compile` decides, before it is written down as a Plan: with the reason and the fix of each level."""
    look = look or machine.looking(config)
    starts = starts or trial.trying(config)
    preferred = choose.order(job.get("backend"), environ, config)
    ceilings = load_ceilings(environ) if ceilings is None else ceilings
    asked = request.resolve(job, load)
    settled = settle.settle(job, asked, look(preferred.names[0]), ceilings)
    audits.refuse_within_reach(audits.demanded(job.get("audit"), config, ceilings), settled.effective)
    best_effort = job.get("best_effort", False)
    return settled, choose.choose(
        settled.reachable, preferred, look, starts, best_effort=best_effort, ceilings=ceilings
    )
