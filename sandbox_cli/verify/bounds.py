"""`limits.*`: each is gone beyond by a job of its own, and its result says what came of it.

The same job is planned with lower limits, so that little time and room are spent; where the policy's are lower still,
they stay. Half of what a limit allows must be had, too.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy import units
from sandbox_cli.verify import program
from sandbox_cli.verify.calls import AT_FDCWD, Call, Of, Out, call, line
from sandbox_cli.verify.filtering import Clause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sandbox_cli.plan.model import Limit, Plan
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Outcome
    from sandbox_cli.verify.attempts import Attempt, Judged
    from sandbox_cli.verify.calls import Answer

_MIB = 1 << 20
# Low enough to be reached at once, high enough for the jail itself.
_LOW: dict[str, float] = {
    "wall_time": 5, "cpu_time": 0.5, "memory": 64 * _MIB, "processes": 8, "open_files": 12, "file_size": 4 * _MIB,
    "scratch_size": _MIB, "scratch_files": 32, "tmp_size": _MIB, "output": 64 << 10,
}  # fmt: skip
_WALL_TIME_S = 0.3
_BUFFER = 4 * _MIB  # the kernel fills it with random bytes: that takes time of the processor and nothing else
_PROT_READ_WRITE, _PRIVATE_ANONYMOUS, _POPULATE = 3, 0x22, 0x8000
_CREATE = os.O_RDWR | os.O_CREAT
_REGULAR = 0o100600
_SIGCHLD = 17


class Excess(NamedTuple):
    """How a limit is gone beyond: attempts, what is told of them, and what their answers and the result say."""

    name: str
    attempts: Sequence[tuple[str, Sequence[Call]]]  # with the letter that the probe takes (probe.c)
    judge: Callable[[Sequence[Answer], Outcome], Judged]
    waits: bool = False  # who samples needs some time


def attempts(policy: Policy, machine: str, lowered: Callable[[Mapping[str, str]], Plan]) -> list[Attempt]:
    asked = {name: limit.default for name, limit in policy.limits.items() if limit.default is not None}
    low = {name: min(_LOW[name], value) for name, value in asked.items() if name in _LOW}
    plan = lowered(_written(low))
    found = [_attempt(plan, each, policy, machine) for each in _excesses(plan["limits"])]
    if "wall_time" in asked:
        short = {**low, "wall_time": min(_WALL_TIME_S, asked["wall_time"])}
        lasting = Excess("wall_time", [("n", [call("pause")])], _by_status("wall-time-limit"))
        found.insert(0, _attempt(lowered(_written(short)), lasting, policy, machine))
    return [*found, *(_unmeasured(plan["limits"]["cpus"]) for name in asked if name == "cpus")]


def _written(low: Mapping[str, float]) -> dict[str, str]:
    return {name: units.format_limit(name, value) for name, value in low.items()}


def _attempt(plan: Plan, excess: Excess, policy: Policy, machine: str) -> Attempt:
    limit = plan["limits"][excess.name]
    made: Attempt = {
        "name": f"go beyond {excess.name}", "clause": f"limits.{excess.name}", "allowed": limit["asked"],
        "observed": "not enforced here", "verdict": "unenforced",
    }  # fmt: skip
    if limit["level"] == "none":
        return made
    clause = Clause.of(policy.syscalls)
    lines = [line(calls, machine, how) for how, calls in excess.attempts]
    barred = [each.name for _, calls in excess.attempts for each in calls if clause.decides(each) != "allow"]
    if barred or None in lines:
        why = f"the policy's own filter refuses {barred[0]}" if barred else "this machine has no such call"
        return {**made, "observed": f"not tried: {why}", "verdict": "untried"}
    if limit["level"] != "strict" and excess.waits:
        lines.append(line([call("pause")], machine, "n"))
    outcome, answers = program.in_jail(plan, [text for text in lines if text is not None], room=False)
    observed, verdict = excess.judge(answers, outcome)
    return {**made, "observed": observed, "verdict": verdict}


def _excesses(limits: Mapping[str, Limit]) -> Iterator[Excess]:
    def value(name: str) -> int:
        return int(limits[name]["value"])

    if "cpu_time" in limits:
        mapped = call("mmap", 0, _BUFFER, _PROT_READ_WRITE, _PRIVATE_ANONYMOUS, -1, 0)
        working = [mapped, *[call("getrandom", Of(0), _BUFFER, 0)] * 13, call("munmap", Of(0), _BUFFER)]
        yield Excess("cpu_time", [("n", working)] * 100, _by_status("cpu-time-limit"))
    if "memory" in limits:
        flags = _PRIVATE_ANONYMOUS | _POPULATE
        halves = [call("mmap", 0, size, _PROT_READ_WRITE, flags, -1, 0) for size in _half_and_more(value("memory"))]
        yield Excess("memory", [("n", [*halves, call("pause")])], _by_status("memory-limit", of_answers=1))
    if "processes" in limits:
        forks = [call("clone", _SIGCHLD, 0, 0, 0, 0)] * 15
        yield Excess("processes", [("n", forks)], _counted(value("processes"), "EAGAIN"))
    if "open_files" in limits:
        opened = [call("openat", AT_FDCWD, "/", os.O_RDONLY)] * 15
        yield Excess("open_files", [("n", opened)], _counted(value("open_files"), "EMFILE"))
    if "file_size" in limits:
        made = call("openat", AT_FDCWD, "/dev/shm/.sandbox-verify", _CREATE, 0o600)  # noqa: S108
        size = value("file_size")
        growing = [made, call("ftruncate", Of(0), size), call("ftruncate", Of(0), size + 1)]
        yield Excess("file_size", [("a", growing)], _at_file_size)
    for name, path in (("scratch_size", ".sandbox-verify"), ("tmp_size", "/dev/shm/.sandbox-verify")):  # noqa: S108
        if name in limits:
            made = call("openat", AT_FDCWD, path, _CREATE, 0o600)
            filling = [made, *(call("fallocate", Of(0), 0, 0, size) for size in _half_and_more(value(name)))]
            yield Excess(name, [("n", filling)], _full(2), waits=True)
    if "scratch_files" in limits:
        count = 2 * value("scratch_files")
        files = [call("mknodat", AT_FDCWD, f".sandbox-verify-{number}", _REGULAR, 0) for number in range(count)]
        yield Excess("scratch_files", [("n", [each]) for each in files], _full(0), waits=True)
    if "output" in limits:
        printed = [("n", [call("getrandom", Out(60000), 60000, 0)])] * (2 + value("output") // 60000)
        yield Excess("output", printed, _by_status("output-limit"))


def _half_and_more(bound: int) -> tuple[int, int]:
    return bound // 2, 2 * bound


def _by_status(wanted: str, of_answers: int = 0) -> Callable[[Sequence[Answer], Outcome], Judged]:
    """The job must end with that status; of its only attempt so many calls must have worked before."""

    def judge(answers: Sequence[Answer], outcome: Outcome) -> Judged:
        status = outcome["status"]
        if of_answers and outcome["stdout"].count(b" ") < of_answers:
            return f"{status}, before half of it was had", "broken"
        del answers
        return status, "held" if status == wanted else "escaped"

    return judge


def _counted(bound: int, error: str) -> Callable[[Sequence[Answer], Outcome], Judged]:
    def judge(answers: Sequence[Answer], outcome: Outcome) -> Judged:
        results, (answer, *_) = [result for result in answers[0].results if result >= 0], answers
        told = f"{answer.word(15)} after {len(results)} ({outcome['status']})"
        if len(results) >= bound or (outcome["status"] == "ok" and answer.word(15) != error):
            return told, "escaped"
        return told, "held" if results else "broken"

    return judge


def _at_file_size(answers: Sequence[Answer], outcome: Outcome) -> Judged:
    word = answers[0].word(3)
    if len(answers[0].results) < 2 and outcome["status"] == "ok":
        return word, "broken"
    held = word in {"SIGXFSZ", "EFBIG"} or outcome["status"] == "file-size-limit"
    return word if outcome["status"] == "ok" else outcome["status"], "held" if held else "escaped"


def _full(calls: int) -> Callable[[Sequence[Answer], Outcome], Judged]:
    """No space is left, after so many calls that worked; or the job was ended for it."""

    def judge(answers: Sequence[Answer], outcome: Outcome) -> Judged:
        words = [answer.word() for answer in answers if answer.tried and answer.word() != "ok"]
        if outcome["status"] == "scratch-limit":
            return "scratch-limit", "held"
        if not answers[0].tried or len(answers[0].results) <= calls:
            return words[0] if words else outcome["status"], "broken"
        return words[0] if words else "all of it was had", "held" if words and words[0] == "ENOSPC" else "escaped"

    return judge


def _unmeasured(limit: Limit) -> Attempt:
    """How much of a core a job gets takes longer to measure than anybody would wait."""
    told = "not enforced here" if limit["level"] == "none" else "not tried: it takes long to measure"
    return {
        "name": "go beyond cpus", "clause": "limits.cpus", "allowed": limit["asked"], "observed": told,
        "verdict": "unenforced" if limit["level"] == "none" else "untried",
    }  # fmt: skip
