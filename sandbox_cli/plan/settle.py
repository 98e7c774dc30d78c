"""All that is decided before a backend is: what the job gets to see, what it runs, and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import RefusedError, UsageError
from sandbox_cli.plan import command, filesystem, interpreter, limits
from sandbox_cli.policy import scalars
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.host.model import Host
    from sandbox_cli.host.runtimes import Found
    from sandbox_cli.job import Job
    from sandbox_cli.plan.command import Program
    from sandbox_cli.plan.request import Request
    from sandbox_cli.policy.model import Policy


class Settled(NamedTuple):
    """`written` is the policy with the job's own options; `effective` the same, brought to this host.

    `reachable` is the effective one with what is closed to the job's account taken from where `binds` put it.
    """

    written: Policy
    effective: Policy
    reachable: Policy
    binds: Sequence[tuple[str, str]]
    program: Program
    language: str | None  # of code; a command is in none
    runtime: Found | None
    collect: Sequence[str]


def settle(job: Job, asked: Request, host: Host) -> Settled:
    """Raises UsageError, HostError and RefusedError for what can't be had here on any backend."""
    is_code = job.get("command") is None
    if is_code and asked.policy.language is not None and asked.policy.language.compile is not None:
        raise RefusedError(
            f"policy {asked.policy.name} compiles its code first, and that is not built yet",
            hint="compile it elsewhere and run the program with `sandbox exec`",
            blame=limits.blame(asked.policy, "language.compile"),
        )
    runs = interpreter.of_job(job, asked, host, needed=is_code)
    written = interpreter.granted(limits.apply(asked.policy, job.get("limits", {}), job.get("network")), runs)
    mounts = filesystem.effective(written, host, runs.shown)
    reachable, binds = filesystem.reachable(mounts, host)
    return Settled(
        written=written,
        effective=written.model_copy(update={"filesystem": mounts}),
        reachable=written.model_copy(update={"filesystem": reachable}),
        binds=binds,
        program=command.of_job(job, written, runs.found, mounts, runs.venv),
        language=asked.policy.language.name if is_code and asked.policy.language else None,
        runtime=runs.found if is_code else None,
        collect=_collect(job) or written.artifacts.collect,
    )


def _collect(job: Job) -> Sequence[str]:
    patterns = job.get("collect", [])
    for pattern in patterns:
        if not pattern or scalars.leads_out(pattern):
            raise UsageError(
                f"--collect {quoted(pattern)} {'leads out of scratch' if pattern else 'matches no file'}",
                hint=scalars.PATTERNS,
                blame=limits.by_option("artifacts.collect"),
            )
    return patterns
