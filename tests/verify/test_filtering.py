"""What is expected of a call, told from the policy's words, is what the filter made of them answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import policy
from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.model import SyscallRule, Syscalls
from sandbox_cli.verify.arguments import deciding, harmless
from sandbox_cli.verify.calls import FROM_32_BIT
from sandbox_cli.verify.filtering import Clause
from sandbox_cli.verify.syscalls import names
from tests.policy.machine import AARCH64, ALLOW, ENOSYS, EPERM, I386, KILL, LOG, X86_64, run

if TYPE_CHECKING:
    from sandbox_cli.verify.calls import Call

ARCHITECTURES = {"x86_64": X86_64, "aarch64": AARCH64}
ANSWERS = {ALLOW: "allow", LOG: "allow", KILL: "kill", EPERM: "errno", ENOSYS: "missing"}
RULES = (
    SyscallRule(syscall="socket", arg=0, value=10, action="kill"),
    SyscallRule(syscall="ioctl", arg=1, mask=0xFF00, value=0x5400, action="errno"),
    SyscallRule(syscall="ptrace", action="allow"),
    SyscallRule(syscall="personality", arg=0, value=0x4_0000, action="log"),
)
SAID: dict[str, dict[str, Any]] = {
    "default": {"deny": ("@default-deny",)},
    "default, killing": {"deny": ("@default-deny", "sched_yield"), "action": "kill"},
    "default, logging": {"deny": ("@default-deny",), "action": "log"},
    "nothing denied": {"deny": ()},
    "allowed": {"allow": ("@system-service",)},
    "allowed, killing": {"allow": ("read", "openat"), "action": "kill"},
    "with rules": {"deny": ("@default-deny",), "rules": RULES},
    "allowed with rules": {"allow": ("@system-service",), "rules": RULES},
}


def filtered(program: bytes, each: Call, machine: str) -> str:
    architecture = I386 if each.name.startswith(FROM_32_BIT) else ARCHITECTURES[machine]
    arguments = tuple(
        value & 0xFFFF_FFFF_FFFF_FFFF if isinstance(value, int) else 0x7F00_0000_1000 for value in each.arguments
    )
    return ANSWERS[run(program, each.number(machine) or 0, architecture, arguments)]


@pytest.mark.parametrize("machine", ARCHITECTURES)
@pytest.mark.parametrize("network", ["none", "host"])
@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_every_call_is_decided_as_the_filter_answers(said: dict[str, Any], network: str, machine: str) -> None:
    syscalls = Syscalls(**said)
    clause = Clause.of(policy.load("command").model_copy(update={"syscalls": syscalls, "network": network}))
    program = compile_filter(syscalls, machine, isolated=network == "none")
    tried = {name: harmless(name) for name in names(machine)} | dict(deciding(syscalls, machine, clause))
    assert len(tried) > 300
    calls = [each for each in tried.values() if each.number(machine) is not None]
    assert {each: clause.decides(each) for each in calls} == {each: filtered(program, each, machine) for each in calls}
