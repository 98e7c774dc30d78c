"""The filter that a running program has, read back from the kernel, answers every call as its policy says."""

from __future__ import annotations

import json
import os
import platform
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.policy import bpf
from tests.contract import readback
from tests.policy.answers import ARCH, Policy, differences, names, numbers
from tests.policy.machine import ALLOW, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Driver

MACHINE = platform.machine()
SLEEP = "/bin/sleep"
RULES = [
    {"syscall": "ptrace", "action": "allow"},
    {"syscall": "socket", "arg": 0, "value": 38, "action": "allow"},
    {"syscall": "socket", "arg": 1, "mask": 0xF, "value": 2, "action": "log"},
    {"syscall": "mmap", "arg": 2, "mask": 6, "value": 6, "action": "errno"},
    {"syscall": "getppid", "action": "kill"},
]
OPENS = (
    "openat close read pread64 fstat newfstatat lseek mmap mprotect munmap brk access arch_prctl set_tid_address "
    "set_robust_list rseq prlimit64 getrandom futex clock_nanosleep readlink readlinkat faccessat fadvise64 "
    "restart_syscall"  # what sleeps goes on by it after it was stopped, as for reading its filters back
)
POLICIES: dict[str, dict[str, Any]] = {
    "default": {},
    "kill": {"syscalls": {"+deny": ["times", "sync"], "action": "kill"}},
    "log": {"syscalls": {"action": "log"}},
    "allow-list": {"syscalls": {"allow": OPENS.split(" "), "rules": RULES, "action": "kill"}},
    "rules": {"syscalls": {"rules": RULES}},
    "network-host": {"network": "host", "syscalls": {"deny": ["mount", "ptrace"]}},
}
# What the launcher's guard keeps from a launcher that is not PID 1, and firejail's own answer to nested namespaces.
ONLY_TIGHTER = {
    "kill",
    "tkill",
    "tgkill",
    "rt_sigqueueinfo",
    "rt_tgsigqueueinfo",
    "clone",
    "clone3",
    "unshare",
    "setns",
}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root of the host reads a filter back")


def installed(driver: Driver, token: str, **what: Any) -> tuple[list[bytes], dict[str, Any]]:
    """The filters of the `sleep` that a job or a plan starts, and how the job ended when that was killed."""
    with ThreadPoolExecutor(1) as apart:
        running = apart.submit(driver.run, **what)
        pid = readback.running([SLEEP, token])
        try:
            found = readback.filters(pid)
        finally:
            readback.end(pid)
        return found, running.result(30)


def token(path: Path) -> str:
    """A time to sleep that no other process was asked for."""
    return f"60.{path.stat().st_ino}"


def long_form(clause: dict[str, Any]) -> dict[str, Any]:
    """As the policy's merged file has it: what is appended to the shipped list."""
    more = clause.get("+deny")
    return clause if more is None else {**clause, "deny": ["@default-deny", *more]}


@pytest.mark.parametrize("name", POLICIES)
def test_a_program_has_the_filter_of_its_policy(backend: str, driver: Driver, shared_tmp: Path, name: str) -> None:
    said = POLICIES[name]
    path, asleep = shared_tmp / "policy.yaml", token(shared_tmp)
    path.write_text(json.dumps({"extends": "command", **said}))
    job = {"command": [SLEEP, asleep], "policy": str(path), "backend": backend}
    stack, outcome = installed(driver, asleep, job=job)
    assert (outcome.get("status"), outcome.get("signal")) == ("signalled", "SIGKILL"), outcome
    policy = Policy(long_form(said.get("syscalls", {})), said.get("network") != "host", MACHINE)
    assert differences(stack[-1], policy) == {}
    assert stack[-1] == driver.plan(job)["filter"]
    check_the_others(stack[:-1], backend)


def test_a_compiler_and_what_it_made_have_it_too(backend: str, driver: Driver, shared_tmp: Path) -> None:
    asleep = token(shared_tmp)
    compiler = ["/bin/sh", "-c", f"{SLEEP} {asleep} || true"]
    language = {"name": "toy", "extensions": [".toy"], "file": "main.toy", "run": [SLEEP, asleep + "1"]}
    path = shared_tmp / "policy.yaml"
    syscalls = {"rules": RULES[:3]}
    path.write_text(
        json.dumps({"extends": "_base", "language": language | {"compile": {"run": compiler}}, "syscalls": syscalls})
    )
    job = {"code": b"x", "policy": str(path), "backend": backend}
    with ThreadPoolExecutor(1) as apart:
        running = apart.submit(driver.run, job, {"file": b"main.toy", "inputs": [(b"main.toy", b"x", 0o644)]})
        stacks = []
        for command in ([SLEEP, asleep], [SLEEP, asleep + "1"]):
            pid = readback.running(command)
            stacks.append(readback.filters(pid))
            readback.end(pid)
        outcome = running.result(30)
    assert (outcome.get("status"), outcome["compile"]["status"]) == ("signalled", "ok"), outcome
    assert differences(stacks[0][-1], Policy(syscalls, True, MACHINE)) == {}
    assert stacks[0] == stacks[1]


def test_a_launcher_that_loads_another_filter_is_seen(driver: Driver, shared_tmp: Path) -> None:
    """The control: what stands above can fail."""
    asleep = token(shared_tmp)
    plan = driver.plan({"command": [SLEEP, asleep], "policy": "command", "backend": "bwrap"})
    missing = bpf.when_equal(numbers(MACHINE)["keyctl"], [bpf.answer(bpf.ALLOW)])
    weakened = b"".join([bpf.load_number(), *missing, plan["filter"]])
    stack, _ = installed(driver, asleep, plan=plan | {"filter": weakened})
    assert {call.split()[0] for call in differences(stack[-1], Policy({}, True, MACHINE))} == {"keyctl"}


def check_the_others(stack: list[bytes], backend: str) -> None:
    """A jail has no other filter, or one that only makes the listed differences."""
    if backend != "firejail":
        assert stack == []
        return
    refused = {
        names(MACHINE).get(number, str(number))
        for program in stack
        for number in range(470)
        for word in (0, 1, 0x7E020000, 0xFFFFFFFFFFFFFFFF)
        if run(program, number, ARCH[MACHINE], (word,) * 6) != ALLOW
    }
    assert refused <= ONLY_TIGHTER
