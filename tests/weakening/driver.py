"""Runs weakened plans in a process of its own, as whatever account starts it. Imports nothing of the tests.

One line each way, a Python literal. The first question is the job, whose plan is the answer; then one weakened plan
each, answered by who caught it and how.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox_cli import plan, verify
from sandbox_cli.errors import SandboxError
from sandbox_cli.policy import config as configuration

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy

# The filter is tried by every system call there is, which takes longer than all else, and nothing else changes that.
CHOSEN: dict[str, Callable[[str], bool]] = {
    "all": bool,
    "syscalls": lambda clause: clause == "syscalls",
    "others": lambda clause: clause != "syscalls",
}
SEALED = "the jail is not what was planned: "


class Subject(NamedTuple):
    """The policy and host that every weakened plan is attacked against, and how much can't be tried in the sound one."""

    policy: Policy
    host: Host
    uid_range: tuple[int, int]
    untried: int


def begin(job: Any) -> tuple[Any, Subject]:
    """The plan of the job as it is, which nothing may be wrong with."""
    config = configuration.load()
    settled, choice = plan.decide(job, config=config)
    sound = plan.compile(job, config=config)
    subject = Subject(settled.effective, choice.host, config.uid_range, 0)
    wrong, untried = attack(sound, subject)
    if wrong:
        raise AssertionError(wrong)
    return sound, subject._replace(untried=untried)


def attack(weakened: Any, subject: Subject, chosen: Callable[[str], bool] = bool) -> tuple[list[str], int]:
    """The attempts that show that the jail isn't what the policy says, and how many could not be made."""
    attempts = verify.attack(weakened, subject.policy, subject.host, uid_range=subject.uid_range, chosen=chosen)
    wrong = [f"{each['name']}: {each['observed']}" for each in attempts if each["verdict"] in verify.FAILURES]
    return wrong, sum(each["verdict"] == "untried" for each in attempts)


def judge(weakened: Any, subject: Subject, chosen: Callable[[str], bool]) -> tuple[str, str]:
    """(who caught it: seal | run | verify | nobody, what they said)."""
    try:
        wrong, untried = attack(weakened, subject, chosen)
    except (SandboxError, KeyError) as error:  # KeyError: a plan that contradicts itself
        said = str(error)
        return ("seal", said.removeprefix(SEALED)) if said.startswith(SEALED) else ("run", said)
    if wrong:
        return "verify", "; ".join(wrong)
    return ("run", "programs can't run") if untried > subject.untried else ("nobody", "")


if __name__ == "__main__":
    for line in sys.stdin:
        question = ast.literal_eval(line)
        if "job" in question:
            answer, subject = begin(question["job"])
        else:
            answer = judge(question["plan"], subject, CHOSEN[question["clauses"]])
        print(repr(answer), flush=True)
