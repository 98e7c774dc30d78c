"""What is told of a system call is what the filter answers."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox_cli.policy.explain import calls
from sandbox_cli.policy.model import Syscalls
from tests.plan.made import policy
from tests.policy.answers import ARCH, CASES, Policy, cases_of_rules, numbers
from tests.policy.machine import ALLOW, ENOSYS, EPERM, KILL, LOG
from tests.policy.test_filter import LISTS

MACHINE = "x86_64"
TOLD = {
    EPERM: "refused with EPERM",
    KILL: "refused, and ends the program",
    LOG: "let through, and logged",
    ALLOW: "let through",
    ENOSYS: "refused with ENOSYS, as by a kernel that doesn't have it",
}


@pytest.mark.parametrize("lists", LISTS, ids=lambda lists: "-".join(lists) + str(len(str(lists))))
@pytest.mark.parametrize("action", ["errno", "kill", "log"])
@pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "network-host"])
def test_what_is_told_of_a_call_is_what_the_filter_answers(lists: dict[str, Any], action: str, isolated: bool) -> None:
    asked = policy(
        syscalls=Syscalls.model_validate({**lists, "action": action}), network="none" if isolated else "host"
    )
    expected = Policy({**lists, "action": action}, isolated, MACHINE)
    told = {name: calls.answers(asked, name) for name in numbers(MACHINE)}
    plain = [(name, (0,) * 6) for name in told]
    for name, arguments in (*plain, *CASES, *cases_of_rules(lists.get("rules", ()))):
        if name in told:
            first = next(each for each in told[name] if all(test.holds(arguments) for test in each.tests))
            answer = expected.answer(numbers(MACHINE)[name], ARCH[MACHINE], arguments)
            assert first.told == TOLD[answer], f"{name} {arguments}"


def test_call_that_a_set_names_is_told_with_the_reason_of_the_set() -> None:
    (told,) = calls.sentences(policy(), "ptrace")
    assert told.startswith("refused with EPERM: @default-deny, other processes: their memory")


def test_call_that_depends_on_its_arguments_is_told_case_by_case() -> None:
    said = Syscalls.model_validate(
        {"deny": [], "rules": [{"syscall": "ioctl", "arg": 1, "value": 7, "action": "kill"}]}
    )
    first, structural, by_rule = calls.sentences(policy(syscalls=said), "ioctl")
    assert first == "let through, but for some arguments: `deny` doesn't name it"
    assert structural.startswith("refused with EPERM where argument 1 is 0x5412 or 0x541c: under every policy, types")
    assert by_rule == "refused, and ends the program where argument 1 is 0x7: a rule of the policy"


def test_call_that_starts_the_program_is_let_through_by_every_list() -> None:
    (told,) = calls.sentences(policy(syscalls=Syscalls(allow=("openat",))), "execve")
    assert told == "let through: under every policy, starting the program takes it"
