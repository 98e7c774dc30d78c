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
CONTROLLERS = ("memory", "pids")  # without which a plan of root's contradicts itself
SEALED = "the jail is not what was planned: "


class Subject(NamedTuple):
    """Policy and host that every weakened plan is attacked against."""

    policy: Policy
    host: Host
    uid_range: tuple[int, int]


def begin(job: Any) -> tuple[Any, Subject]:
    """The plan of the job as it is, which nothing may be wrong with."""
    config = configuration.load()
    settled, choice = plan.decide(job, config=config)
    sound = plan.compile(job, config=config)
    subject = Subject(settled.effective, choice.host, config.uid_range)
    if wrong := attack(sound, subject):
        raise AssertionError(wrong)
    return sound, subject


def attack(weakened: Any, subject: Subject, chosen: Callable[[str], bool] = bool) -> list[str]:
    """The attempts that show that the jail isn't what the policy says. One that couldn't be made shows nothing."""
    attempts = verify.attack(weakened, subject.policy, subject.host, uid_range=subject.uid_range, chosen=chosen)
    return [f"{each['name']}: {each['observed']}" for each in attempts if each["verdict"] in verify.FAILURES]


def judge(weakened: Any, subject: Subject, chosen: Callable[[str], bool]) -> tuple[str, str]:
    """(who caught it: seal | run | verify | nobody, what they said)."""
    try:
        wrong = attack(weakened, subject, chosen)
    except SandboxError as error:
        said = str(error)
        return ("seal", said.removeprefix(SEALED)) if said.startswith(SEALED) else ("run", said)
    except KeyError as error:
        if error.args[0] not in CONTROLLERS:
            raise
        return "run", "the plan holds a limit by a controller that it has not"
    return ("verify", "; ".join(wrong)) if wrong else ("nobody", "")


if __name__ == "__main__":
    for line in sys.stdin:
        question = ast.literal_eval(line)
        if "job" in question:
            answer, subject = begin(question["job"])
        else:
            answer = judge(question["plan"], subject, CHOSEN[question["clauses"]])
        print(repr(answer), flush=True)
