"""`attack`: tries from inside what a jail allows, and compares that with its policy, in both directions.

What is expected is derived from the policy and the host. Of the plan, whose jail it is, nothing is believed: that is
what is tried. The probe (probe.c) knows none of it: it makes the calls that it is told, and says what came of them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sandbox_cli.policy.config import UID_RANGE
from sandbox_cli.run import fds, scratch
from sandbox_cli.verify import bounds, devices, filesystem, network, privileges, program, surroundings, syscalls
from sandbox_cli.verify.attempts import FAILURES, JAIL, Attempt
from sandbox_cli.verify.calls import UNTRIED, call, line
from sandbox_cli.verify.case import Case
from sandbox_cli.verify.filtering import Clause
from sandbox_cli.verify.targets import set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Outcome
    from sandbox_cli.verify.attempts import Try, Verdict
    from sandbox_cli.verify.calls import Answer, Call

    Lowered = Callable[[Mapping[str, str]], Plan]

__all__ = ["FAILURES", "Attempt", "attack"]

_CLOSING = call("close", 3)
_NO_FILTER = Clause(frozenset(), False, False, (), "allow", "allow", True)


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
    outside = functools.partial(_outside, host.machine)
    clause = Clause.of(policy)
    with set_up(outside, host.home) as targets:
        case = Case(policy, host, plan["backend"], uid_range, targets)
        found = _make(plan, case, clause, [each for each in _tries(case, clause) if chosen(each.clause)])
    return found if lowered is None else [*found, *bounds.attempts(policy, host.machine, lowered)]


def _tries(case: Case, clause: Clause) -> list[Try]:
    tries = [
        *surroundings.tries(case),
        *filesystem.tries(case),
        *devices.tries(),
        *network.tries(case),
        *privileges.tries(case),
        *syscalls.tries(case, clause),
    ]
    return sorted(tries, key=lambda each: each.last)  # what may end the jail comes last: the sort is stable


def _make(plan: Plan, case: Case, clause: Clause, tries: Sequence[Try]) -> list[Attempt]:
    sent: list[tuple[Try, bytes]] = []
    left_out: list[Attempt] = []
    for each in tries:
        text = line(each.calls, case.host.machine, _how(each, clause))
        if not each.calls:
            left_out.append(_attempt(each, *each.judge(UNTRIED, UNTRIED)))
        elif text is not None and not _would_end_the_probe(each, clause):
            sent.append((each, text))
        elif text is not None:
            left_out.append(_attempt(each, "not tried: it would end the probe, which may have no child", "untried"))
    outcome, answers = program.in_jail(plan, [text for _, text in sent])
    # Each has a timer there, whatever the policy's filter leaves the probe: what the filter refuses may block there.
    alike = {text: line(each.calls, case.host.machine, _how(each, _NO_FILTER)) or text for each, text in sent}
    compared = tuple(alike[text] for each, text in sent if each.outside)
    accounts = case.uid_range if case.host.root else None
    without = dict(zip(compared, _outside_once(compared, accounts), strict=True))
    made = [
        _judged(each, answer, without.get(alike[text], UNTRIED), clause)
        for (each, text), answer in zip(sent, answers, strict=True)
    ]
    return [*made, *left_out, _ending(outcome, sum(not answer.told for answer in answers))]


def _ending(outcome: Outcome, untold: int) -> Attempt:
    """Whatever ended the probe too early, or lost what it said: of what comes after nothing is known."""
    ended = outcome["status"] == "ok" and not untold
    told = "it did" if outcome["status"] == "ok" else outcome["cause"] or outcome["status"]
    told += f", and nothing was heard of {untold} attempts" if untold else ""
    return {
        "name": "let the probe end by itself", "clause": JAIL, "allowed": "yes", "observed": told,
        "verdict": "works" if ended else "broken",
    }  # fmt: skip


def _judged(each: Try, answer: Answer, without: Answer, clause: Clause) -> Attempt:
    observed, verdict = each.judge(answer, without)
    barred = next((one.name for one in each.calls if clause.decides(one) != "allow"), None) if each.needs else None
    if barred is not None and verdict in FAILURES and answer.failed(len(each.calls)):  # what it let through counts
        observed, verdict = f"not tried: the policy's own filter refuses {barred}", "untried"
    return _attempt(each, observed, verdict)


def _attempt(each: Try, observed: str, verdict: Verdict) -> Attempt:
    return {
        "name": each.name, "clause": each.clause, "allowed": each.allowed, "observed": observed, "verdict": verdict,
    }  # fmt: skip


def _would_end_the_probe(each: Try, clause: Clause) -> bool:
    """A filter that kills, and lets it have no child for that."""
    return not clause.has_children and any(clause.decides(one) == "kill" for one in each.calls)


def _how(each: Try, clause: Clause) -> str:
    """The letter that the probe takes: in a child, with some time, as far as the policy's own filter lets it."""
    kills = each.by_itself and any(clause.decides(one) == "kill" for one in each.calls)
    if not clause.has_children or (each.by_itself and not kills):
        how = "k" if clause.decides(_CLOSING) == "kill" else "n"
    elif not clause.has_timers:
        how = "c"
    else:
        how = "b" if each.blocks else "a"
    return how.upper() if each.deadly else how


def _outside(machine: str, attempts: Sequence[Sequence[Call]]) -> list[Answer]:
    return program.outside([line(calls, machine, "a") or b"n 0\n" for calls in attempts])


@functools.cache
def _outside_once(lines: tuple[bytes, ...], accounts: tuple[int, int] | None) -> list[Answer]:
    """As whoever asks; root's as one of `accounts`, which no job has meanwhile. The kernel stays what it is."""
    if accounts is None:
        return program.outside(lines)
    uid, gid, lock = scratch.free_account(*accounts)
    try:
        return program.outside(lines, uid, gid)
    finally:
        fds.close(lock)
