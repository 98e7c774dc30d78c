"""`limits.*`: each is gone beyond by a job of its own, and its result says what came of it.

The same job is planned with lower limits, so that little time and room are spent; where the policy's are lower still,
they stay. Half of what a limit allows must be had, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy import units
from sandbox_cli.verify import program
from sandbox_cli.verify.calls import AT_FDCWD, Call, Of, Out, call, line
from sandbox_cli.verify.filtering import Clause

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
_UNBOUNDED = 1 << 62
_FILE = ".sandbox-verify"
_PIECE = 60000
_CALLS = 15  # of one attempt: that they don't end before the limit is what _LOW sees to
_REGULAR = 0o100600
_SIGCHLD = 17
_WAITING = call("pause")


class Excess(NamedTuple):
    """How a limit is gone beyond: attempts, what is told of them, and what their answers and the result say."""

    attempts: Sequence[tuple[str, Sequence[Call]]]  # with the letter that the probe takes (probe.c)
    judge: Callable[[Sequence[Answer], Outcome], Judged]
    waits: bool = False  # who samples needs some time


def attempts(policy: Policy, machine: str, lowered: Callable[[Mapping[str, str]], Plan]) -> list[Attempt]:
    asked = {name: limit.default for name, limit in policy.limits.items() if limit.default is not None}
    low = {name: min(_LOW[name], value) for name, value in asked.items() if name in _LOW}
    plan = lowered(_written(low))
    largest = int(low.get("file_size", _UNBOUNDED))
    found = [
        _attempt(plan, name, excess(int(plan["limits"][name]["value"]), largest), policy, machine)
        for name, excess in _EXCESSES.items()
        if name in asked
    ]
    if "wall_time" in asked:
        short = {**low, "wall_time": min(_WALL_TIME_S, asked["wall_time"])}
        lasting = Excess([("n", [_WAITING])], _by_status("wall-time-limit"))
        found.insert(0, _attempt(lowered(_written(short)), "wall_time", lasting, policy, machine))
    return [*found, *(_unmeasured(plan["limits"]["cpus"]) for name in asked if name == "cpus")]


def _written(low: Mapping[str, float]) -> dict[str, str]:
    return {name: units.format_limit(name, value) for name, value in low.items()}


def _attempt(plan: Plan, name: str, excess: Excess, policy: Policy, machine: str) -> Attempt:
    limit = plan["limits"][name]
    made: Attempt = {
        "name": f"go beyond {name}", "clause": f"limits.{name}", "allowed": limit["asked"],
        "observed": "not enforced here", "verdict": "unenforced",
    }  # fmt: skip
    if limit["level"] == "none":
        return made
    clause = Clause.of(policy)
    made_of = [(_letter(how, clause), calls) for how, calls in excess.attempts]
    if limit["level"] != "strict" and excess.waits:
        made_of.append(("n", [_WAITING]))
    lines = [line(calls, machine, how) for how, calls in made_of]
    barred = [each.name for _, calls in made_of for each in calls if clause.decides(each) != "allow"]
    if barred or None in lines:
        why = f"the policy's own filter refuses {barred[0]}" if barred else "this machine has no such call"
        return {**made, "observed": f"not tried: {why}", "verdict": "untried"}
    outcome, answers = program.in_jail(plan, [text for text in lines if text is not None], room=False)
    observed, verdict = excess.judge(answers, outcome)
    return {**made, "observed": observed, "verdict": verdict}


def _letter(how: str, clause: Clause) -> str:
    """As far as the policy's own filter lets the probe have a child and a timer: else it makes the attempt itself."""
    if how != "a" or (clause.has_children and clause.has_timers):
        return how
    return "c" if clause.has_children else "n"


def _cpu_time(_seconds: int, _largest: int) -> Excess:
    mapped = call("mmap", 0, _BUFFER, _PROT_READ_WRITE, _PRIVATE_ANONYMOUS, -1, 0)
    working = [mapped, *[call("getrandom", Of(0), _BUFFER, 0)] * 13, call("munmap", Of(0), _BUFFER)]
    return Excess([("n", working)] * 100, _by_status("cpu-time-limit"))


def _memory(size: int, _largest: int) -> Excess:
    flags = _PRIVATE_ANONYMOUS | _POPULATE
    mapped = [call("mmap", 0, each, _PROT_READ_WRITE, flags, -1, 0) for each in _half_and_more(size)]
    return Excess([("n", [*mapped, _WAITING])], _by_status("memory-limit", of_answers=1))


def _processes(count: int, _largest: int) -> Excess:
    """What they bring forth ends at once, and counts as long as nobody has waited for it."""
    return Excess([("n", [call("clone", _SIGCHLD, 0, 0, 0, 0)] * _CALLS)], _counted("processes", count, "EAGAIN"))


def _open_files(count: int, _largest: int) -> Excess:
    return Excess(
        [("n", [call("openat", AT_FDCWD, "/", os.O_RDONLY)] * _CALLS)], _counted("open_files", count, "EMFILE")
    )


def _file_size(size: int, _largest: int) -> Excess:
    sizes = (call("ftruncate", Of(0), each) for each in (size, size + 1))
    return Excess([("a", [_created(f"/dev/shm/{_FILE}"), *sizes])], _at_file_size)  # noqa: S108


def _scratch_size(size: int, largest: int) -> Excess:
    return _room(_FILE, size, largest)


def _tmp_size(size: int, largest: int) -> Excess:
    return _room(f"/dev/shm/{_FILE}", size, largest)  # noqa: S108


def _room(path: str, size: int, largest: int) -> Excess:
    """Twice of what there is, in files that may be that large."""
    piece = max(1, min(size // 2, largest))
    names = (f"{path}-{number}" for number in range(-(-2 * size // piece)))
    filling = [("n", [_created(name), call("fallocate", Of(0), 0, 0, piece)]) for name in names]
    return Excess(filling, _full(2), waits=True)


def _scratch_files(count: int, _largest: int) -> Excess:
    made = (call("mknodat", AT_FDCWD, f"{_FILE}-{number}", _REGULAR, 0) for number in range(2 * count))
    return Excess([("n", [each]) for each in made], _full(1), waits=True)


def _output(size: int, _largest: int) -> Excess:
    """The probe tells what came of a call in two letters a byte."""
    told = call("getrandom", Out(_PIECE), _PIECE, 0)
    return Excess([("n", [told])] * (2 + size // _PIECE), _by_status("output-limit"))


def _created(path: str) -> Call:
    return call("openat", AT_FDCWD, path, os.O_RDWR | os.O_CREAT, 0o600)


_EXCESSES: dict[str, Callable[[int, int], Excess]] = {
    "cpu_time": _cpu_time, "memory": _memory, "processes": _processes, "open_files": _open_files,
    "file_size": _file_size, "scratch_size": _scratch_size, "scratch_files": _scratch_files, "tmp_size": _tmp_size,
    "output": _output,
}  # fmt: skip


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


def _counted(name: str, bound: int, error: str) -> Callable[[Sequence[Answer], Outcome], Judged]:
    """The kernel refuses one of them, just so; or the job was ended for this limit, and for nothing else."""

    def judge(answers: Sequence[Answer], outcome: Outcome) -> Judged:
        results, blame = [result for result in answers[0].results if result >= 0], outcome["blame"]
        if blame is not None and blame["clause"] == f"limits.{name}":
            return outcome["cause"] or outcome["status"], "held"
        told = f"{answers[0].word(_CALLS)} after {len(results)}"
        if outcome["status"] != "ok":
            return f"{told} ({outcome['status']})", "escaped" if len(results) >= bound else "broken"
        if len(results) >= bound or answers[0].word(_CALLS) != error:
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
    """No space is left, after a first attempt that worked; or the job was ended for it."""

    def judge(answers: Sequence[Answer], outcome: Outcome) -> Judged:
        words = [answer.word(calls) for answer in answers if answer.tried]
        if outcome["status"] == "scratch-limit":
            return "scratch-limit", "held"
        if not words or words[0] != "ok":
            return words[0] if words else outcome["status"], "broken"
        refused = next((word for word in words if word != "ok"), None)
        return refused or "all of it was had", "held" if refused == "ENOSPC" else "escaped"

    return judge


def _unmeasured(limit: Limit) -> Attempt:
    """How much of a core a job gets takes longer to measure than anybody would wait."""
    told = "not enforced here" if limit["level"] == "none" else "not tried: it takes long to measure"
    return {
        "name": "go beyond cpus", "clause": "limits.cpus", "allowed": limit["asked"], "observed": told,
        "verdict": "unenforced" if limit["level"] == "none" else "untried",
    }  # fmt: skip
