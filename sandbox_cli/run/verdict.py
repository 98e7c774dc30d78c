"""The verdict: all witnesses joined into one status and cause. A pure function of plain values.

Precedence: what cancelled the job; the supervisor's own first kill; the control group's counters; the launcher's
record; the jailer's report. The launcher's word is advisory: it never overrides what the supervisor or the group saw.
"""

from __future__ import annotations

import errno
import os

from sandbox_cli.run.limits import amounts
from sandbox_cli.run.system import SIGKILL, SIGSYS, SIGXCPU, SIGXFSZ, signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from sandbox_cli.backends.base import JailerReport
    from sandbox_cli.plan.model import Limit
    from sandbox_cli.result import Blame, ErrorReport, Status

    class Verdict(TypedDict):
        status: Status
        cause: str | None
        blame: Blame | None
        exit_code: int | None
        signal: str | None
        error: ErrorReport | None

    class Witnesses(TypedDict):
        """What each of them saw; None where it saw nothing."""

        cancelled: int | None  # the signal that the caller sent
        killed: tuple[str, str] | None  # the limit for which the supervisor killed, and what it saw
        kernel_killed: str | None  # that the group counted a kill for memory, in words
        failure: str | None  # why the supervisor gave up: no start, a broken seal, a jail that won't end
        started: bool
        end: list[str] | None  # the launcher's last word on the program: ["exit", "0"], ["signal", "9", "0"], ...
        cpu_time_s: float
        report: JailerReport
        syscalls: Blame | None  # where the filter kills: the clause that SIGSYS is blamed on


_LIMIT_STATUS: dict[str, Status] = {
    "wall_time": "wall-time-limit",
    "cpu_time": "cpu-time-limit",
    "memory": "memory-limit",
    "processes": "signalled",
    "output": "output-limit",
    "scratch_size": "scratch-limit",
    "scratch_files": "scratch-limit",
    "file_size": "file-size-limit",
}


def judge(seen: Witnesses, limits: dict[str, Limit], command: str) -> Verdict:
    """The status, the cause in words, and the clause to blame."""
    if seen["cancelled"] is not None:
        return _verdict("cancelled", f"cancelled by {signal_name(seen['cancelled'])}", signal=seen["cancelled"])
    killed = seen["killed"]
    if seen["failure"] is not None and (killed is None or not seen["started"]):
        return _failed(seen)
    if killed is None and seen["kernel_killed"] is not None and "memory" in limits:
        killed = ("memory", seen["kernel_killed"])  # perhaps a child alone, and the program went on
    if killed is not None:
        return _by_limit(*killed, limits, SIGKILL)  # even where the program ended before the kill came
    if seen["end"] is None:
        if not seen["started"]:
            return _failed(seen)
        return _verdict("signalled", "the launcher in the jail was killed, and the program with it", signal=SIGKILL)
    return _by_record(seen, seen["end"], limits, command)


def _by_record(seen: Witnesses, end: list[str], limits: dict[str, Limit], command: str) -> Verdict:
    kind, number = end[0], int(end[-1] if end[0] == "armfail" else end[1])
    if kind == "execfail":
        return _cannot_start(number, command)
    if kind == "armfail":
        return _error(f"the launcher failed at {end[1]}: {os.strerror(number)}", None)
    if kind == "exit":
        return _verdict("nonzero-exit" if number else "ok", None, exit_code=number)
    return _by_signal(seen, number, limits)


def _by_signal(seen: Witnesses, number: int, limits: dict[str, Limit]) -> Verdict:
    cpu_time = limits.get("cpu_time")
    over = cpu_time is not None and number in (SIGXCPU, SIGKILL) and seen["cpu_time_s"] >= cpu_time["value"]
    if over:
        return _by_limit("cpu_time", f"{amounts.seconds(seen['cpu_time_s'])} used", limits, number)
    if number == SIGXFSZ and "file_size" in limits:
        return _by_limit("file_size", "ended by SIGXFSZ", limits, number)
    if number == SIGSYS and seen["syscalls"] is not None:
        cause = f"{seen['syscalls']['clause']}: killed at a denied system call"
        return _verdict("syscall-denied", cause, signal=number, blame=seen["syscalls"])
    return _verdict("signalled", f"killed by {signal_name(number)}", signal=number)


def not_found(command: str) -> Verdict:
    """A bare name that is in no folder of the job's PATH."""
    return _cannot_start(errno.ENOENT, command)


def _cannot_start(number: int, command: str) -> Verdict:
    missing = number == errno.ENOENT
    reason = {
        errno.ENOENT: "not found, or its interpreter is not, in what the policy shows",
        errno.EACCES: "not executable",
        errno.ENOEXEC: "not a program, and it has no #! line",
    }.get(number, os.strerror(number))
    return _verdict("cannot-start", f"{command}: {reason}", exit_code=127 if missing else 126)


def _by_limit(name: str, what: str, limits: dict[str, Limit], number: int) -> Verdict:
    limit = limits[name]
    cause = f"{limit['blame']['clause']}: {what}; {limit['asked']} allowed"
    return _verdict(_LIMIT_STATUS[name], cause, signal=number, blame=limit["blame"])


def _failed(seen: Witnesses) -> Verdict:
    report = seen["report"]
    message = seen["failure"] or report["failed"] or "the jailer ended before the program started"
    return _error(message, report["hint"])


def _error(message: str, hint: str | None) -> Verdict:
    verdict = _verdict("sandbox-error", message)
    verdict["error"] = {"message": message, "hint": hint, "gaps": []}
    return verdict


def _verdict(
    status: Status,
    cause: str | None,
    *,
    exit_code: int | None = None,
    signal: int | None = None,
    blame: Blame | None = None,
) -> Verdict:
    return {
        "status": status,
        "cause": cause,
        "blame": blame,
        "exit_code": exit_code,
        "signal": signal_name(signal) if signal is not None else None,
        "error": None,
    }
