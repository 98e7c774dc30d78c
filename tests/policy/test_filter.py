"""The compiled filter, evaluated for every number and for the arguments that rules look at."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sandbox_cli.errors import HostError
from sandbox_cli.policy import filter as filters
from sandbox_cli.policy import syscall_names
from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.model import Syscalls
from sandbox_cli.policy.syscalls import DEFAULT_DENY, LAUNCHER_NEEDS, NUMBERS, SETS
from tests.policy.machine import AARCH64, ALLOW, ARM, ENOSYS, EPERM, I386, KILL, LOG, X86_64, run

ARCH = {"x86_64": X86_64, "aarch64": AARCH64}
FOREIGN = {"x86_64": (I386, AARCH64, 0), "aarch64": (ARM, X86_64, 0)}
MACHINES = sorted(ARCH)
REFUSED = {"errno": EPERM, "kill": KILL, "log": LOG}
STRUCTURAL = {"errno": EPERM, "kill": KILL, "log": EPERM}
NEW = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
GARBAGE = (0, 1 << 32, 0xFFFFFFFF << 32, 0x5412 << 32, 0xDEADBEEF << 32)
CHMODS = {"x86_64": {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}}  # which argument the mode is
CHMODS["aarch64"] = {name: place for name, place in CHMODS["x86_64"].items() if name != "chmod"}
ALLOWED = ("openat", "mmap", "clone", "ioctl", "fork", "mseal", "clone3", "open", "setresuid")
EVERY = range(1024)


def number(name: str, machine: str) -> int:
    found = syscall_names.number(name, machine)
    assert found is not None, name
    return found


def numbers(names: tuple[str, ...], machine: str) -> set[int]:
    return {found for name in names if (found := syscall_names.number(name, machine)) is not None}


def policies() -> list[Syscalls]:
    lists = [{"deny": ("@default-deny",)}, {"deny": ()}, {"deny": ("clone", "ioctl", "mseal")}]
    lists += [{"allow": ALLOWED}, {"allow": ()}]
    return [Syscalls(**each, action=action) for each in lists for action in REFUSED]  # type: ignore[arg-type]


every_policy = pytest.mark.parametrize("syscalls", policies(), ids=str)
every_machine = pytest.mark.parametrize("machine", MACHINES)
every_action = pytest.mark.parametrize("action", sorted(REFUSED))


@every_machine
@every_action
def test_a_deny_list_refuses_exactly_what_it_names(machine: str, action: str) -> None:
    program = compile_filter(Syscalls(deny=("@default-deny",), action=action), machine)  # type: ignore[arg-type]
    structural = {number(name, machine) for name in ("unshare", "setns")}
    denied = numbers(DEFAULT_DENY, machine)
    for each in EVERY:
        expected = REFUSED[action] if each in denied else ALLOW
        expected = STRUCTURAL[action] if each in structural else expected
        expected = ENOSYS if each == number("clone3", machine) else expected
        assert run(program, each, ARCH[machine]) == expected, each


@every_machine
@every_action
def test_an_allow_list_lets_through_exactly_what_it_names_and_what_starts_the_program(
    machine: str, action: str
) -> None:
    program = compile_filter(Syscalls(allow=ALLOWED, action=action), machine)  # type: ignore[arg-type]
    structural = {number(name, machine) for name in ("unshare", "setns")}
    allowed = numbers((*ALLOWED, *LAUNCHER_NEEDS), machine)
    for each in EVERY:
        expected = ALLOW if each in allowed else REFUSED[action]
        expected = STRUCTURAL[action] if each in structural else expected
        expected = ENOSYS if each == number("clone3", machine) else expected
        assert run(program, each, ARCH[machine]) == expected, each


@every_machine
def test_a_set_of_systemds_stands_for_its_members_but_opens_no_namespaces(machine: str) -> None:
    allowed = compile_filter(Syscalls(allow=("@system-service",)), machine)
    members = set(SETS["@system-service"]) - {"clone3", "unshare", "setns", "clone", "ioctl"}
    assert {run(allowed, each, ARCH[machine]) for each in numbers(tuple(members), machine)} == {ALLOW}
    for name in ("unshare", "setns", "mount", "ptrace"):
        assert run(allowed, number(name, machine), ARCH[machine]) == EPERM
    denied = compile_filter(Syscalls(deny=("@mount",)), machine)
    assert {run(denied, each, ARCH[machine]) for each in numbers(SETS["@mount"], machine)} == {EPERM}
    assert run(denied, number("ptrace", machine), ARCH[machine]) == ALLOW


@every_policy
@every_machine
def test_every_call_of_another_architecture_is_refused(syscalls: Syscalls, machine: str) -> None:
    program = compile_filter(syscalls, machine)
    for arch, each in itertools.product(FOREIGN[machine], EVERY):
        assert run(program, each, arch) == STRUCTURAL[syscalls.action]


@every_policy
def test_every_x32_number_is_refused(syscalls: Syscalls) -> None:
    program = compile_filter(syscalls, "x86_64")
    for each in (*EVERY, 0x3FFFFFFF, 0x7FFFFFFF, 0xBFFFFFFF):
        assert run(program, 0x40000000 + each) == STRUCTURAL[syscalls.action]


@every_policy
@every_machine
def test_clone_with_any_namespace_flag_is_refused_whatever_stands_above_it(syscalls: Syscalls, machine: str) -> None:
    program = compile_filter(syscalls, machine)
    clone = number("clone", machine)
    for flag, above, beside in itertools.product(NEW, GARBAGE, (0, 17, 0x3D0F00)):
        assert run(program, clone, ARCH[machine], (above | flag | beside,)) == STRUCTURAL[syscalls.action]


@every_machine
@pytest.mark.parametrize("syscalls", [Syscalls(deny=("@default-deny",)), Syscalls(allow=("clone", "ioctl"))], ids=str)
def test_clone_without_a_namespace_flag_is_let_through_whatever_stands_above_it(
    syscalls: Syscalls, machine: str
) -> None:
    program = compile_filter(syscalls, machine)
    clone = number("clone", machine)
    threads, fork, pidfd = 0x3D0F00, 0x1200011, 0x1000
    for flags, above in itertools.product((0, 17, threads, fork, pidfd, 0x80, ~sum(NEW) & 0xFFFFFFFF), GARBAGE):
        assert run(program, clone, ARCH[machine], (above | flags,)) == ALLOW


@every_policy
@every_machine
def test_typing_into_a_terminal_is_refused_whatever_stands_above_it(syscalls: Syscalls, machine: str) -> None:
    program = compile_filter(syscalls, machine)
    ioctl = number("ioctl", machine)
    for request, above in itertools.product((0x5412, 0x541C), GARBAGE):
        assert run(program, ioctl, ARCH[machine], (0, above | request)) == STRUCTURAL[syscalls.action]


@every_policy
@every_machine
def test_making_a_file_set_uid_is_refused_whatever_stands_above_it(syscalls: Syscalls, machine: str) -> None:
    program = compile_filter(syscalls, machine)
    for name, mode, above in itertools.product(CHMODS[machine], (0o4000, 0o6755), GARBAGE):
        arguments = (0,) * CHMODS[machine][name] + (above | mode,)
        assert run(program, number(name, machine), ARCH[machine], arguments) == STRUCTURAL[syscalls.action]


@every_machine
def test_every_other_mode_is_let_through(machine: str) -> None:
    program = compile_filter(Syscalls(deny=("@default-deny",)), machine)
    for name, mode, above in itertools.product(CHMODS[machine], (0, 0o755, 0o2775, 0o1777), GARBAGE):
        arguments = (0o4000,) * CHMODS[machine][name] + (above | mode,)
        assert run(program, number(name, machine), ARCH[machine], arguments) == ALLOW


@every_machine
@pytest.mark.parametrize("syscalls", [Syscalls(deny=("@default-deny",)), Syscalls(allow=("ioctl",))], ids=str)
def test_every_other_ioctl_is_let_through(syscalls: Syscalls, machine: str) -> None:
    program = compile_filter(syscalls, machine)
    ioctl = number("ioctl", machine)
    for bit, request in itertools.product(range(32), (0x5412, 0x541C)):
        assert run(program, ioctl, ARCH[machine], (0x5412, request ^ (1 << bit))) == ALLOW
    for request, above in itertools.product((0, 0x5401, 0x5413, 0x541B, 0x5411), GARBAGE):
        assert run(program, ioctl, ARCH[machine], (0x5412, above | request)) == ALLOW


@every_policy
@every_machine
def test_clone3_is_as_missing_under_every_policy(syscalls: Syscalls, machine: str) -> None:
    assert run(compile_filter(syscalls, machine), number("clone3", machine), ARCH[machine]) == ENOSYS


@every_policy
@every_machine
def test_what_starts_the_program_is_let_through_under_every_policy(syscalls: Syscalls, machine: str) -> None:
    program = compile_filter(syscalls, machine)
    for name in LAUNCHER_NEEDS:
        assert run(program, number(name, machine), ARCH[machine]) == ALLOW


@every_policy
@every_machine
def test_a_filter_fits_the_launchers_message(syscalls: Syscalls, machine: str) -> None:
    program = compile_filter(syscalls, machine)
    assert len(program) % 8 == 0
    assert len(program) <= 4096


def test_the_largest_list_still_fits_the_kernel() -> None:
    names = tuple(name for name in syscall_names._all_names() if name not in {"unshare", "setns"})
    program = compile_filter(Syscalls(allow=names), "x86_64")
    assert len(program) <= filters.LARGEST
    assert run(program, number("mseal", "x86_64")) == ALLOW


def test_calls_that_libseccomp_does_not_know_yet_are_filtered_by_our_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "_known", lambda name, machine: name not in NUMBERS)
    denying = compile_filter(Syscalls(deny=("@default-deny",), action="kill"), "x86_64")
    assert {run(denying, each) for each in (467, 460, 447, 443)} == {KILL}
    assert run(denying, 462) == ALLOW
    allowing = compile_filter(Syscalls(allow=("mseal",)), "x86_64")
    assert (run(allowing, 462), run(allowing, 467)) == (ALLOW, EPERM)


@pytest.mark.parametrize("machine", ["riscv64", "i686", ""])
def test_a_machine_without_a_filter_is_a_host_error(machine: str) -> None:
    with pytest.raises(HostError, match="no syscall filter"):
        compile_filter(Syscalls(deny=()), machine)


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
            compile_filter(Syscalls(deny=()), "x86_64")
    finally:
        syscall_names.libseccomp.cache_clear()
    assert "libseccomp2" in (caught.value.hint or "")


some_names = some.lists(
    some.sampled_from(sorted(set(syscall_names._all_names()) - {"unshare", "setns", "clone3"})), max_size=30
)


@given(some_names, some.sampled_from(sorted(REFUSED)), some.booleans(), some.sampled_from(MACHINES))
def test_any_list_is_compiled_to_what_it_says(names: list[str], action: str, allow: bool, machine: str) -> None:
    listed = tuple(name for name in names if name not in LAUNCHER_NEEDS)
    syscalls = Syscalls(allow=listed, action=action) if allow else Syscalls(deny=listed, action=action)  # type: ignore[arg-type]
    program = compile_filter(syscalls, machine)
    held = numbers(listed, machine) | (numbers(LAUNCHER_NEEDS, machine) if allow else set())
    special = {number(name, machine) for name in ("clone3", "unshare", "setns")}
    for each in range(500):
        if each not in special:
            let_through = (each in held) == allow
            assert run(program, each, ARCH[machine]) == (ALLOW if let_through else REFUSED[action]), each
