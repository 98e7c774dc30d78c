"""The sets and rules as data, and which names a policy may list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox_cli.policy import syscall_names
from sandbox_cli.policy.syscall_rules import DEFAULT_RULES, NAMESPACE_FLAGS, STRUCTURAL, STRUCTURAL_OF_A_NETWORK
from sandbox_cli.policy.syscalls import DEFAULT_DENY, GROUPS, LAUNCHER_NEEDS, NUMBERS, SETS

if TYPE_CHECKING:
    from tests.policy.conftest import Site

NEEDED = (
    "read write openat close mmap munmap mprotect brk execve execveat clone fork vfork wait4 waitid exit exit_group "
    "kill tgkill rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack futex set_robust_list rseq prctl arch_prctl "
    "prlimit64 getrandom ioctl fcntl epoll_wait epoll_ctl eventfd2 pipe2 socket socketpair connect bind sendmsg "
    "recvmsg memfd_create madvise membarrier clock_gettime clock_nanosleep timerfd_create pidfd_open pidfd_send_signal "
    "sched_getaffinity sched_yield statx getdents64 copy_file_range sendfile inotify_init1 signalfd4 seccomp "
    "landlock_create_ruleset shmget shmat semget msgget mlock get_mempolicy map_shadow_stack splice tee"
)


def test_the_default_list_holds_nothing_that_ordinary_programs_need() -> None:
    assert not set(DEFAULT_DENY) & set(NEEDED.split())


def test_no_set_holds_a_name_twice_or_one_that_nobody_knows() -> None:
    for names in SETS.values():
        assert len(names) == len(set(names))
        assert [name for name in names if not syscall_names.exists(name)] == []


def test_no_set_denies_what_the_launcher_needs() -> None:
    assert not set(DEFAULT_DENY) & set(LAUNCHER_NEEDS)


def test_our_own_numbers_agree_with_libseccomp_where_it_knows_them() -> None:
    seccomp = syscall_names.libseccomp()
    for machine in syscall_names.MACHINES:
        word = syscall_names.architecture(machine)
        known = {name: seccomp.resolve_syscall(word, name) for name in NUMBERS}
        assert {name: number for name, number in known.items() if number not in {-1, NUMBERS[name]}} == {}


def test_the_namespace_flags_are_those_of_the_kernel() -> None:
    flags = {"NEWNS": 0x20000, "NEWCGROUP": 0x2000000, "NEWUTS": 0x4000000, "NEWIPC": 0x8000000}
    flags |= {"NEWUSER": 0x10000000, "NEWPID": 0x20000000, "NEWNET": 0x40000000}
    assert sum(flags.values()) == NAMESPACE_FLAGS


def test_systemds_sets_have_all_its_names_and_the_members_of_those_that_they_name() -> None:
    """Those of systemd.exec(5), SystemCallFilter=, but for @known, which bounds nothing."""
    named = (
        "@aio @basic-io @chown @clock @cpu-emulation @debug @default @file-system @io-event @ipc @keyring @memlock "
        "@module @mount @network-io @obsolete @pkey @privileged @process @raw-io @reboot @resources @setuid @signal "
        "@swap @sync @system-service @timer"
    )
    assert SETS.keys() == {"@default-deny", *named.split()}
    assert {"read", "openat", "socket", "sendfile"} < set(SETS["@system-service"])
    assert {"mount", "ptrace", "reboot"} & set(SETS["@system-service"]) == set()
    assert not [name for names in SETS.values() for name in names if name.startswith("@")]


@pytest.mark.parametrize("machine", syscall_names.MACHINES)
def test_every_rule_of_ours_has_a_number_and_a_reason(machine: str) -> None:
    rules = (*STRUCTURAL, *STRUCTURAL_OF_A_NETWORK, *DEFAULT_RULES)
    missing = {rule.syscall for rule in rules if syscall_names.number(rule.syscall, machine) is None}
    assert missing == ({"chmod"} if machine == "aarch64" else set())
    assert all(rule.why or rule.verdict == "spared" for rule in rules)
    assert all(group.why for group in GROUPS)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("{deny: ['@default-dny']}", "no syscall set '@default-dny'", "did you mean `@default-deny`?"),
        ("{deny: ['@monut']}", "no syscall set '@monut'", "did you mean `@mount`?"),
        ("{deny: ['@basic-io']}", "starting the program takes its read and write", "list those of its calls"),
        ("{deny: ['@default']}", "starting the program takes its execve and exit_group", "list those of its calls"),
        ("{deny: ['@']}", "no syscall set '@'", None),
        ("{deny: [mont]}", "no syscall 'mont'", "did you mean `mount`?"),
        ("{deny: [PTRACE]}", "no syscall 'PTRACE'", "did you mean `ptrace`?"),
        ("{deny: [qqqqqqqqqq]}", "no syscall 'qqqqqqqqqq'", "man 2 syscalls"),
        ("{deny: ['59']}", "no syscall '59'", None),
        ("{deny: ['é']}", "no syscall", None),
        ("{deny: ['']}", "must not be empty", None),
        ("{deny: [execve]}", "can't be denied", "always let through"),
        ("{deny: [write]}", "can't be denied", "always let through"),
        ("{allow: [unshare]}", "can't be allowed", "remove it"),
        ("{allow: [setns]}", "can't be allowed", "remove it"),
        ("{allow: ['@default-deny']}", "a list of what to deny", "under `deny`"),
    ],
)  # fmt: skip
def test_a_name_that_a_list_cannot_hold_is_refused(site: Site, text: str, message: str, hint: str | None) -> None:
    error = site.refused(f"syscalls: {text}")
    assert message in error.message
    assert error.line == 1
    assert (error.clause or "").startswith("syscalls.")
    assert hint is None or hint in (error.hint or "")


@pytest.mark.parametrize("name", ["open", "mmap2", "clone3", "mseal", "open_tree_attr", "arch_prctl", "socketcall"])
def test_a_name_of_any_machine_can_be_listed(site: Site, name: str) -> None:
    assert site.load(f"syscalls: {{allow: [{name}]}}").syscalls.allow == (name,)
