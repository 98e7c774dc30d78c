"""`attack`: tries from inside what a jail allows, and compares that with its policy, in both directions.

What is expected is derived from the policy and the host. Of the plan, whose jail it is, nothing is believed: that is
what is tried. The probe (probe.c) knows none of it: it makes the calls that it is told, and says what came of them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sandbox_cli.policy.config import UID_RANGE
from sandbox_cli.verify import bounds, devices, filesystem, network, privileges, program, surroundings, syscalls
from sandbox_cli.verify.attempts import FAILURES, Attempt
from sandbox_cli.verify.calls import UNTRIED, call, line
from sandbox_cli.verify.case import Case
from sandbox_cli.verify.filtering import Clause
from sandbox_cli.verify.targets import set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.verify.attempts import Try
    from sandbox_cli.verify.calls import Answer, Call

    Lowered = Callable[[Mapping[str, str]], Plan]

__all__ = ["FAILURES", "Attempt", "attack"]

_OF_A_CHILD, _OF_A_TIMER = (call("clone", 17), call("wait4")), call("setitimer")


def attack(
    plan: Plan,
    policy: Policy,
    host: Host,
    *,
    uid_range: tuple[int, int] = UID_RANGE,
    lowered: Lowered | None = None,
    chosen: Callable[[str], bool] = bool,
) -> list[Attempt]:
    """What `plan`'s jail allows against what `policy` does: the effective one, as it is brought to `host` (settle).

    With `lowered`, which plans the same job with other limits, each limit is tried too, by a job of its own. HostError
    where no jail is made, or its seal is broken. `chosen` says of a clause whether it is tried: by default each is.
    """
    outside = functools.partial(_outside, host, uid_range)
    clause = Clause.of(policy.syscalls)
    with set_up(outside, host.home) as targets:
        case = Case(policy, host, plan["backend"], uid_range, targets)
        found = _make(plan, case, clause, [each for each in _tries(case, clause) if chosen(each.clause)])
    return found if lowered is None else [*found, *bounds.attempts(policy, host.machine, lowered)]


def _tries(case: Case, clause: Clause) -> list[Try]:
    tries = [
        *filesystem.tries(case),
        *devices.tries(),
        *network.tries(case),
        *surroundings.tries(case),
        *privileges.tries(case),
        *syscalls.tries(case, clause),
    ]
    return sorted(tries, key=lambda each: each.last)  # what may end the jail comes last: the sort is stable


def _make(plan: Plan, case: Case, clause: Clause, tries: Sequence[Try]) -> list[Attempt]:
    lines = [line(each.calls, case.host.machine, _how(each, clause)) for each in tries]
    sent = [(each, text) for each, text in zip(tries, lines, strict=True) if text is not None]
    compared = [(each, text) for each, text in sent if each.outside]
    _, answers = program.in_jail(plan, [text for _, text in sent])
    without = dict(
        zip(
            (text for _, text in compared),
            _outside_once(tuple(text for _, text in compared), *_account(case.host, case.uid_range)),
            strict=True,
        )
    )
    return [
        _judged(each, answer, without.get(text, UNTRIED), clause)
        for (each, text), answer in zip(sent, answers, strict=True)
    ]


def _judged(each: Try, answer: Answer, without: Answer, clause: Clause) -> Attempt:
    observed, verdict = each.judge(answer, without)
    barred = next((one.name for one in each.calls if clause.decides(one) != "allow"), None) if each.needs else None
    if barred is not None and verdict in FAILURES:
        observed, verdict = f"not tried: the policy's own filter refuses {barred}", "untried"
    return {
        "name": each.name, "clause": each.clause, "allowed": each.allowed, "observed": observed, "verdict": verdict,
    }  # fmt: skip


def _how(each: Try, clause: Clause) -> str:
    """In a child that has some time; as much of that as the policy's own filter lets the probe have."""
    if each.by_itself and not any(clause.decides(one) == "kill" for one in each.calls):
        return "n"
    if any(clause.decides(needed) != "allow" for needed in _OF_A_CHILD):
        return "N" if each.deadly else "n"
    how = "c" if clause.decides(_OF_A_TIMER) != "allow" else "b" if each.blocks else "a"
    return how.upper() if each.deadly else how


def _account(host: Host, uid_range: tuple[int, int]) -> tuple[int | None, int | None]:
    """Who makes attempts without a jail: whoever asks, but never root."""
    return (uid_range[1], uid_range[1]) if host.root else (None, None)


def _outside(host: Host, uid_range: tuple[int, int], attempts: Sequence[Sequence[Call]]) -> list[Answer]:
    lines = [line(calls, host.machine, "a") or b"n 0\n" for calls in attempts]
    return program.outside(lines, *_account(host, uid_range))


@functools.cache
def _outside_once(lines: tuple[bytes, ...], uid: int | None, gid: int | None) -> list[Answer]:
    """The kernel doesn't change while we run."""
    return program.outside(lines, uid, gid)
