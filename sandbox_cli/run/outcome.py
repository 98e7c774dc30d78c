"""What a run returns: the verdict, the streams, the artifacts, the usage and the receipt put together."""

from __future__ import annotations

import os

from sandbox_cli.run import artifacts, value, verdict
from sandbox_cli.run.limits.sampler import full

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.backends.base import JailerReport
    from sandbox_cli.plan.model import Compile, Plan
    from sandbox_cli.result import Outcome, Receipt, Usage
    from sandbox_cli.run.model import Work
    from sandbox_cli.run.supervise import Supervisor
    from sandbox_cli.run.verdict import Verdict

_SAMPLER = "sampler"
_WHOLE = {"cpu_user_s": "cpu_time_s", "cpu_system_s": "cpu_time_s"}  # who measured a part measured the whole
_NOT_SEEN = "the job ended before it was looked at"


_NO_REPORT: JailerReport = {"failed": None, "hint": None}


def compiled(outcome: Outcome, seen: Supervisor, step: Compile, report: JailerReport | None) -> bool:
    """Writes into `outcome` how the compiler's run went, and says whether there is something to run now.

    Where there isn't, it is the outcome of the job. `report` is the jailer's account of its end, where it has ended.
    """
    used = usage(seen)
    judged = _judge(seen, used, report or _NO_REPORT)
    outcome["compile"] = {
        "status": judged["status"], "exit_code": judged["exit_code"], "signal": judged["signal"],
        "stdout": bytes(seen.stdout.kept), "stderr": bytes(seen.stderr.kept),
        "usage": used,
    }  # fmt: skip
    if judged["status"] in ("nonzero-exit", "signalled"):
        how = judged["cause"] or f"ended with exit code {judged['exit_code']}"
        cause = f"{step['blame']['clause']}: {os.path.basename(step['argv0'])}: {how}"
        judged["status"], judged["cause"], judged["blame"] = "compile-error", cause, step["blame"]
    decide(outcome, judged)
    _say_what_was_seen(outcome, seen)
    return judged["status"] == "ok"


def describe(outcome: Outcome, plan: Plan, work: Work, seen: Supervisor, report: JailerReport) -> None:
    """Writes into `outcome` how the job's own program went, when its jail is empty."""
    jail = seen.jail
    outcome["usage"] = used = usage(seen)
    if jail.started and jail.scratch is not None and work["collect"] != "none":
        outcome["artifacts"], outcome["artifacts_omitted"] = artifacts.collect(
            jail.scratch, plan["artifacts"], jail.inputs, work["file"], work["output_dir"],
            force=work["collect"] == "replace", cancel=seen.cancel,
        )  # fmt: skip
        seen.look_for_cancel()
    decide(outcome, _judge(seen, used, report))
    if jail.started and jail.scratch is not None:
        outcome["value"], outcome["value_error"] = value.read(jail.scratch, outcome["status"])
    _say_what_was_seen(outcome, seen)
    outcome["stdout"], outcome["stderr"] = bytes(seen.stdout.kept), bytes(seen.stderr.kept)
    outcome["stdout_bytes"], outcome["stderr_bytes"] = seen.stdout.total, seen.stderr.total
    outcome["stdout_truncated"] = seen.stdout.total > len(seen.stdout.kept)
    outcome["stderr_truncated"] = seen.stderr.total > len(seen.stderr.kept)


def _judge(seen: Supervisor, used: Usage, report: JailerReport) -> Verdict:
    jail = seen.jail
    return verdict.judge(
        {
            "cancelled": seen.cancelled,
            "killed": seen.killed,
            # A fault may be told when nobody is there any more; what the jailer says of its own end counts more then.
            "failure": seen.failure or (jail.fault if report["failed"] is None else None),
            "started": jail.started,
            "end": jail.end,
            "kernel_killed": seen.group.kernel_killed if seen.group is not None else None,
            "cpu_time_s": used["cpu_time_s"] or 0.0,
            "report": report,
            "syscalls": seen.plan["syscall_blame"],
        },
        seen.step["limits"],
        os.fsdecode(jail.fill(seen.step["argv0"])),
    )


def _say_what_was_seen(outcome: Outcome, seen: Supervisor) -> None:
    """Of the jail, and of the limits that a program survives."""
    jail = seen.jail
    if jail.started and jail.scratch is not None:
        outcome["limit_hits"] = _hits(seen, jail.scratch)
    if outcome["receipt"] is not None:
        outcome["receipt"]["seal"] = jail.inspected


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
        "value": None, "value_error": None,
        "artifacts": [], "artifacts_omitted": [], "kept": None,
        "usage": None,
        "receipt": _receipt(plan),
        "policy": plan["policy"], "language": plan["language"], "runtime": plan["runtime"], "compile": None,
    }  # fmt: skip


def usage(seen: Supervisor) -> Usage:
    """What was measured, by whom; None with a reason where nothing could.

    A control group counts the whole job. Else there are the launcher's last word, which counts every process that
    it reaped, and the sampler, which counts what was alive at its looks: both can only have missed something, so the
    larger is nearer the truth.
    """
    jail = seen.jail
    found: dict[str, float] = {}
    measured_by: dict[str, str] = {}
    unmeasured: dict[str, str] = {}
    for enforcer in seen.enforcers:  # the group comes last, and knows best
        measured, missing = enforcer.measured()
        found |= measured
        unmeasured |= missing
        measured_by |= {_WHOLE.get(name, name): enforcer.NAME for name in measured}
    if jail.total is not None:
        add_rusage(found, measured_by, jail.total)
    if jail.opened is not None and jail.finished is not None:
        found["wall_time_s"], measured_by["wall_time_s"] = jail.finished - jail.opened, "supervisor"
    if "cpu_user_s" in found:
        found["cpu_time_s"] = found["cpu_user_s"] + found["cpu_system_s"]
    used: Usage = {
        "wall_time_s": found.get("wall_time_s"),
        "cpu_time_s": found.get("cpu_time_s"),
        "cpu_user_s": found.get("cpu_user_s"), "cpu_system_s": found.get("cpu_system_s"),
        "memory_peak_bytes": _count(found, "memory_peak_bytes"), "processes_peak": _count(found, "processes_peak"),
        "read_bytes": _count(found, "read_bytes"), "written_bytes": _count(found, "written_bytes"),
        "unmeasured": {}, "measured_by": measured_by,
    }  # fmt: skip
    used["unmeasured"] = {
        name: unmeasured.get(name, seen.failure or _NOT_SEEN)
        for name, value in used.items()
        if value is None and name not in ("cpu_user_s", "cpu_system_s")
    }
    return used


def add_rusage(found: dict[str, float], measured_by: dict[str, str], total: list[str]) -> None:
    """The launcher's last word, where it says more than the sampler saw; no more is known than a group counted."""
    user, system, resident = int(total[1]) / 1e6, int(total[2]) / 1e6, int(total[3]) << 10
    seen = found.get("cpu_user_s", 0) + found.get("cpu_system_s", 0)
    if measured_by.get("cpu_time_s") in (None, _SAMPLER) and user + system >= seen:
        found["cpu_user_s"], found["cpu_system_s"] = user, system
        measured_by["cpu_time_s"] = "rusage"
    if measured_by.get("memory_peak_bytes") in (None, _SAMPLER) and resident > found.get("memory_peak_bytes", 0):
        found["memory_peak_bytes"] = resident
        measured_by["memory_peak_bytes"] = "rusage"


def _count(found: dict[str, float], name: str) -> int | None:
    return int(found[name]) if name in found else None


def _hits(seen: Supervisor, scratch: int) -> dict[str, int]:
    """Which limits were reached that the job survives: forks that were refused, as the group counted them; and the
    bounds of scratch, which has no room left, now or at a look, or for which the job was killed."""
    hits: set[str] = set()
    if seen.killed is not None and seen.killed[0].startswith("scratch_"):
        hits.add(seen.killed[0])
    if seen.plan["scratch"]["made_by"] == "jailer" or seen.plan["scratch"]["tmpfs"]:
        hits |= full(os.fstatvfs(scratch))
        hits |= seen.sampler.full if seen.sampler is not None else set()
    refused = seen.group.hits() if seen.group is not None else {}
    return refused | dict.fromkeys(sorted(hits & seen.step["limits"].keys()), 1)


def note(outcome: Outcome, planted: Sequence[str]) -> None:
    """Writes into the receipt what was done about the job's traces outside of scratch."""
    for row in outcome["receipt"]["clauses"] if outcome["receipt"] else ():
        if row["clause"] == "workspace" and planted:
            row["note"] = "; ".join(filter(None, [row["note"], *planted]))


def _receipt(plan: Plan) -> Receipt:
    receipt = plan["receipt"].copy()
    receipt["seal"] = []
    receipt["clauses"] = [row.copy() for row in receipt["clauses"]]
    return receipt
