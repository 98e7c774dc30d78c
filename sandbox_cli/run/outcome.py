"""What a run returns: the verdict, the streams, the artifacts, the usage and the receipt put together."""

from __future__ import annotations

import os

from sandbox_cli.run import artifacts, verdict
from sandbox_cli.run.limits.sampler import full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.backends.base import JailerReport
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.result import Outcome, Receipt, Usage
    from sandbox_cli.run.model import Work
    from sandbox_cli.run.supervise import Supervisor
    from sandbox_cli.run.verdict import Verdict

_NO_GROUP = "no control group measures this job"
_NOT_SEEN = "the job ended before it was looked at"


def describe(plan: Plan, work: Work, seen: Supervisor, report: JailerReport) -> Outcome:
    """The whole outcome of a job whose jail is empty."""
    jail = seen.jail
    outcome = blank(plan, work)
    outcome["usage"] = used = usage(seen)
    judged = verdict.judge(
        {
            "cancelled": seen.cancelled,
            "killed": seen.killed,
            "failure": seen.failure,
            "started": jail.started,
            "end": jail.end,
            "cpu_time_s": used["cpu_time_s"] or 0.0,
            "report": report,
            "syscalls": plan["syscall_blame"],
        },
        plan["limits"],
        plan["argv0"],
    )
    decide(outcome, judged)
    outcome["stdout"], outcome["stderr"] = bytes(seen.stdout.kept), bytes(seen.stderr.kept)
    outcome["stdout_bytes"], outcome["stderr_bytes"] = seen.stdout.total, seen.stderr.total
    outcome["stdout_truncated"] = seen.stdout.total > len(seen.stdout.kept)
    outcome["stderr_truncated"] = seen.stderr.total > len(seen.stderr.kept)
    outcome["receipt"] = _receipt(plan, jail.inspected)
    if jail.started and jail.scratch is not None:
        outcome["limit_hits"] = _hits(plan, seen, jail.scratch)
        if work["collect"] != "none":
            outcome["artifacts"], outcome["artifacts_omitted"] = artifacts.collect(
                jail.scratch, plan["artifacts"], jail.inputs, work["file"], work["output_dir"]
            )
    return outcome


def decide(outcome: Outcome, judged: Verdict) -> None:
    """Writes the verdict into an outcome."""
    outcome["status"], outcome["cause"], outcome["blame"] = judged["status"], judged["cause"], judged["blame"]
    outcome["exit_code"], outcome["signal"] = judged["exit_code"], judged["signal"]
    outcome["error"] = judged["error"]


def blank(plan: Plan, work: Work) -> Outcome:
    """The outcome of a job of which nothing is known yet."""
    return {
        "id": work["id"],
        "status": "sandbox-error", "cause": None, "blame": None,
        "exit_code": None, "signal": None, "limit_hits": {}, "error": None,
        "stdout": b"", "stdout_bytes": 0, "stdout_truncated": False,
        "stderr": b"", "stderr_bytes": 0, "stderr_truncated": False,
        "artifacts": [], "artifacts_omitted": [],
        "usage": None,
        "receipt": _receipt(plan, []),
        "policy": plan["policy"], "language": plan["language"], "runtime": plan["runtime"],
    }  # fmt: skip


def usage(seen: Supervisor) -> Usage:
    """What was measured, by whom; None with a reason where nothing could.

    The launcher's last word counts every process that it reaped, to the microsecond; the sampler counts what
    was alive at its looks, in ticks. Both can only have missed something, so the larger is nearer the truth.
    """
    jail, sampler = seen.jail, seen.sampler
    measured_by: dict[str, str] = {}
    unmeasured = {"read_bytes": _NO_GROUP, "written_bytes": _NO_GROUP}
    user = system = wall = None
    memory = processes = 0
    if sampler is not None:
        memory, processes = sampler.memory_peak_bytes, sampler.processes_peak
        if sampler.looks:
            user, system = sampler.cpu_user_s, sampler.cpu_system_s
            measured_by["cpu_time_s"] = measured_by["memory_peak_bytes"] = measured_by["processes_peak"] = "sampler"
    if jail.total is not None:
        told_user, told_system = int(jail.total[1]) / 1e6, int(jail.total[2]) / 1e6
        if user is None or system is None or told_user + told_system >= user + system:
            user, system = told_user, told_system
            measured_by["cpu_time_s"] = "rusage"
        if int(jail.total[3]) << 10 > memory:
            memory = int(jail.total[3]) << 10
            measured_by["memory_peak_bytes"] = "rusage"
    if jail.opened is not None and jail.finished is not None:
        wall = jail.finished - jail.opened
        measured_by["wall_time_s"] = "supervisor"
    figures: dict[str, float | None] = {
        "wall_time_s": wall,
        "cpu_time_s": user + system if user is not None and system is not None else None,
        "memory_peak_bytes": memory or None,
        "processes_peak": processes or None,
    }
    unmeasured |= {name: _NOT_SEEN for name, value in figures.items() if value is None}
    return {
        "wall_time_s": wall,
        "cpu_time_s": figures["cpu_time_s"], "cpu_user_s": user, "cpu_system_s": system,
        "memory_peak_bytes": memory or None, "processes_peak": processes or None,
        "read_bytes": None, "written_bytes": None,
        "unmeasured": unmeasured, "measured_by": measured_by,
    }  # fmt: skip


def _hits(plan: Plan, seen: Supervisor, scratch: int) -> dict[str, int]:
    """Which bounds of scratch were reached: it has no room left, now or at a look, or the job was killed for it."""
    hits: set[str] = set()
    if seen.killed is not None and seen.killed[0].startswith("scratch_"):
        hits.add(seen.killed[0])
    if plan["scratch"]["made_by"] == "jailer" or plan["scratch"]["tmpfs"]:
        hits |= full(os.fstatvfs(scratch))
        hits |= seen.sampler.full if seen.sampler is not None else set()
    return dict.fromkeys(sorted(hits & plan["limits"].keys()), 1)


def _receipt(plan: Plan, inspected: list[str]) -> Receipt:
    receipt = plan["receipt"].copy()
    receipt["seal"] = inspected
    return receipt
