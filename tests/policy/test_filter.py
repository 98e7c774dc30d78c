"""The compiled filter of both machines, asked for every number and at every edge, against what `answers` says."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sandbox_cli.errors import HostError
from sandbox_cli.policy import filter as filters
from sandbox_cli.policy import syscall_names
from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.model import Syscalls
from sandbox_cli.policy.syscalls import NUMBERS, SETS
from tests.policy.answers import ARCH, CASES, REFUSED, STARTS_THE_PROGRAM, Policy, differences, numbers
from tests.policy.machine import ALLOW, ENOSYS, EPERM, KILL, LOG, run

if TYPE_CHECKING:
    from sandbox_cli.policy.syscall_rules import Rule

ALLOWED = ["openat", "mmap", "clone", "ioctl", "fork", "mseal", "clone3", "open", "setresuid", "socket", "prlimit64"]
DEFAULT: dict[str, Any] = {"deny": ["@default-deny"]}
RULES: list[dict[str, Any]] = [
    {"syscall": "ptrace", "action": "allow"},  # against the list
    {"syscall": "socket", "arg": 0, "value": 16, "action": "kill"},  # a family that is spared else
    {"syscall": "socket", "arg": 0, "value": 38, "action": "allow"},  # and one that is not
    {"syscall": "socket", "arg": 1, "mask": 0xF, "value": 3, "action": "log"},
    {"syscall": "personality", "arg": 0, "value": 0x40000, "action": "allow"},
    {"syscall": "clone", "arg": 0, "mask": 0x100, "value": 0x100, "action": "errno"},  # CLONE_VM: threads
    {"syscall": "mmap", "arg": 2, "mask": 4, "value": 4, "action": "errno"},  # PROT_EXEC
    {"syscall": "lseek", "arg": 1, "mask": 0xFFFFFFFFFFFFFFFF, "value": 0x500000005, "action": "allow"},
    {"syscall": "lseek", "arg": 1, "mask": 0xFF00000000, "value": 0x700000000, "action": "log"},
    {"syscall": "lseek", "action": "errno"},
    {"syscall": "getppid", "action": "kill"},
    {"syscall": "getppid", "action": "allow"},  # never asked: the first decides
]
LISTS: list[dict[str, Any]] = [
    DEFAULT, {"deny": []}, {"deny": ["clone", "ioctl", "mseal"]}, {"allow": ALLOWED}, {"allow": []},
    {**DEFAULT, "rules": RULES}, {"deny": [], "rules": RULES}, {"allow": ALLOWED, "rules": RULES},
]  # fmt: skip

every_list = pytest.mark.parametrize("lists", LISTS, ids=lambda lists: "-".join(lists) + str(len(str(lists))))
every_action = pytest.mark.parametrize("action", ["errno", "kill", "log"])
every_machine = pytest.mark.parametrize("machine", sorted(ARCH))
both_networks = pytest.mark.parametrize("isolated", [True, False], ids=["isolated", "network-host"])


def compiled(syscalls: dict[str, Any], machine: str, *, isolated: bool = True) -> bytes:
    return compile_filter(Syscalls.model_validate(syscalls), machine, isolated=isolated)


@every_list
@every_action
@every_machine
@both_networks
def test_every_call_is_answered_as_the_policy_says(
    lists: dict[str, Any], action: str, machine: str, isolated: bool
) -> None:
    syscalls = {**lists, "action": action}
    program = compiled(syscalls, machine, isolated=isolated)
    assert differences(program, Policy(syscalls, isolated, machine)) == {}
    assert len(program) <= 4096, "it fits the launcher's message with room to spare"
    for name in STARTS_THE_PROGRAM:
        assert run(program, numbers(machine)[name], ARCH[machine]) == ALLOW


@every_machine
@pytest.mark.parametrize("rules", ["STRUCTURAL", "STRUCTURAL_OF_A_NETWORK", "DEFAULT_RULES"])
def test_no_rule_could_be_left_out_unseen(monkeypatch: pytest.MonkeyPatch, machine: str, rules: str) -> None:
    """Each of them is asked for by some case: without it there are differences."""
    whole: tuple[Rule, ...] = getattr(filters, rules)
    only_x86 = {"chmod"} if machine == "aarch64" else set()
    for place, rule in enumerate(whole):
        monkeypatch.setattr(filters, rules, whole[:place] + whole[place + 1 :])
        syscalls = DEFAULT if rules == "DEFAULT_RULES" else {"deny": []}
        program, policy = compiled(syscalls, machine), Policy(syscalls, True, machine)
        asked = [(0,) * 6, *(arguments for name, arguments in CASES if name == rule.syscall)]
        number, arch = numbers(machine).get(rule.syscall, 0), ARCH[machine]
        is_seen = any(run(program, number, arch, each) != policy.answer(number, arch, each) for each in asked)
        assert is_seen or rule.syscall in only_x86, rule


@every_machine
def test_a_set_of_systemds_stands_for_its_members(machine: str) -> None:
    allowed = compiled({"allow": ["@system-service"]}, machine)
    by_arguments = {name for name, _ in CASES}
    members = set(SETS["@system-service"]) - {"clone3", "unshare", "setns", "io_uring_setup", *by_arguments}
    assert {run(allowed, numbers(machine)[each], ARCH[machine]) for each in members & set(numbers(machine))} == {ALLOW}
    for name in ("unshare", "setns", "mount", "ptrace"):
        assert run(allowed, numbers(machine)[name], ARCH[machine]) == EPERM
    denied = compiled({"deny": ["@mount"]}, machine)
    members = set(SETS["@mount"]) & set(numbers(machine))
    assert {run(denied, numbers(machine)[each], ARCH[machine]) for each in members} == {EPERM}
    assert run(denied, numbers(machine)["ptrace"], ARCH[machine]) == ALLOW


def test_a_call_that_is_newer_than_the_default_list_is_missing_but_for_who_only_logs() -> None:
    for action, answer in (("errno", ENOSYS), ("kill", ENOSYS), ("log", LOG)):
        program = compiled({**DEFAULT, "action": action}, "x86_64")
        assert [run(program, number) for number in (469, 470, 600)] == [ALLOW, answer, answer]


def test_a_newer_call_that_is_listed_is_answered_as_the_list_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "NEWEST", 443)  # as if the next ones were newer than the default list
    listed = compiled({"deny": ["@default-deny", "landlock_add_rule"], "action": "kill"}, "x86_64")
    assert [run(listed, number) for number in (444, 445, 446)] == [ENOSYS, KILL, ENOSYS]
    ruled = compiled({**DEFAULT, "rules": [{"syscall": "landlock_add_rule", "action": "allow"}]}, "x86_64")
    assert [run(ruled, number) for number in (444, 445, 446)] == [ENOSYS, ALLOW, ENOSYS]


def test_the_largest_list_still_fits_the_kernel() -> None:
    names = [name for name in syscall_names.all_names() if name not in {"unshare", "setns"}]
    program = compiled({"allow": names}, "x86_64", isolated=False)
    assert len(program) <= filters.LARGEST
    assert run(program, numbers("x86_64")["mseal"]) == ALLOW


def test_many_rules_of_one_call_are_asked_in_their_order_until_the_kernel_takes_no_more() -> None:
    rules = [{"syscall": "lseek", "arg": 2, "value": value, "action": "errno"} for value in range(800)]
    program = compiled({"deny": [], "rules": rules}, "x86_64")
    lseek = numbers("x86_64")["lseek"]
    assert [run(program, lseek, args=(0, 0, value)) for value in (0, 400, 799, 800)] == [EPERM, EPERM, EPERM, ALLOW]
    assert run(program, numbers("x86_64")["unshare"]) == EPERM
    with pytest.raises(HostError, match="larger than the kernel takes"):
        compiled({"deny": [], "rules": rules * 2}, "x86_64")


def test_calls_that_libseccomp_does_not_know_yet_are_filtered_by_our_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "_known", lambda name, machine: name not in NUMBERS)
    denying = compiled({**DEFAULT, "action": "kill"}, "x86_64")
    assert {run(denying, each) for each in (467, 460, 447, 443)} == {KILL}
    assert run(denying, 462) == ALLOW
    allowing = compiled({"allow": ["mseal"]}, "x86_64")
    assert (run(allowing, 462), run(allowing, 467)) == (ALLOW, EPERM)


@pytest.mark.parametrize("machine", ["riscv64", "i686", ""])
def test_a_machine_without_a_filter_is_a_host_error(machine: str) -> None:
    with pytest.raises(HostError, match="no syscall filter"):
        compiled({"deny": []}, machine)


def test_a_missing_libseccomp_is_a_host_error_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "pyseccomp":
            raise RuntimeError("Unable to find libseccomp")
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    syscall_names.libseccomp.cache_clear()
    try:
        with pytest.raises(HostError, match="Unable to find libseccomp") as caught:
            compiled({"deny": []}, "x86_64")
    finally:
        syscall_names.libseccomp.cache_clear()
    assert "libseccomp2" in (caught.value.hint or "")


some_names = some.lists(
    some.sampled_from(sorted(set(syscall_names.all_names()) - {"unshare", "setns", "clone3"})), max_size=30
)


@given(some_names, some.sampled_from(["errno", "kill", "log"]), some.booleans(), some.sampled_from(sorted(ARCH)))
def test_any_list_is_compiled_to_what_it_says(names: list[str], action: str, allow: bool, machine: str) -> None:
    listed = [name for name in names if name not in STARTS_THE_PROGRAM]
    policy = Policy({"allow" if allow else "deny": listed, "action": action}, False, machine)
    program = compiled(dict(policy.syscalls), machine, isolated=False)
    for each in range(500):
        assert run(program, each, ARCH[machine]) == policy.answer(each, ARCH[machine], (0,) * 6), each


words = some.integers(0, 0xFFFFFFFF) | some.sampled_from([0, 1, 4, 0xFFFFFFFF]) | some.integers(0, 0xFFFFFFFFFFFFFFFF)


@some.composite
def some_rule(draw: some.DrawFn) -> dict[str, Any]:
    rule: dict[str, Any] = {"syscall": draw(some.sampled_from(["socket", "lseek", "prctl", "ptrace"]))}
    rule["action"] = draw(some.sampled_from(sorted(REFUSED)))
    if draw(some.booleans()):
        mask = draw(some.sampled_from([0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 1]) | words.filter(bool))
        rule |= {"arg": draw(some.integers(0, 5)), "mask": mask, "value": draw(words) & mask}
    return rule


@settings(deadline=None)
@given(some.lists(some_rule(), max_size=6), some.sampled_from(sorted(ARCH)), some.lists(words, min_size=6, max_size=6))
def test_any_rules_are_asked_in_their_order(rules: list[dict[str, Any]], machine: str, arguments: list[int]) -> None:
    policy = Policy({**DEFAULT, "rules": rules}, True, machine)
    program = compiled(dict(policy.syscalls), machine)
    for name in ("socket", "lseek", "prctl", "ptrace"):
        for place, rule in itertools.product(range(6), [{}, *rules]):
            asked = tuple(rule.get("value", 7) if each == place else word for each, word in enumerate(arguments))
            number = numbers(machine)[name]
            assert run(program, number, ARCH[machine], asked) == policy.answer(number, ARCH[machine], asked)
