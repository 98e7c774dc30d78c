"""What a filter has to answer, said a second time: in plain Python, with the numbers of the kernel's own headers.

Nothing here comes from the code under test, and nothing of it is BPF. `differences` asks a program for every number and
for the arguments at which answers change.
"""

from __future__ import annotations

import functools
import itertools
import platform
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.policy.machine import AARCH64, ALLOW, ARM, ENOSYS, EPERM, I386, KILL, LOG, X86_64, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ARCH = {"x86_64": X86_64, "aarch64": AARCH64}
FOREIGN = {"x86_64": (I386, AARCH64, 0), "aarch64": (ARM, X86_64, 0)}
REFUSED = {"errno": EPERM, "kill": KILL, "log": LOG, "allow": ALLOW}
STARTS_THE_PROGRAM = {"execve", "exit_group", "read", "write"}
NEWEST = 469
NEWER = {  # than the headers of Debian 12
    "cachestat": 451, "fchmodat2": 452, "map_shadow_stack": 453, "futex_wake": 454, "futex_wait": 455,
    "futex_requeue": 456, "statmount": 457, "listmount": 458, "lsm_get_self_attr": 459, "lsm_set_self_attr": 460,
    "lsm_list_modules": 461, "mseal": 462, "setxattrat": 463, "getxattrat": 464, "listxattrat": 465,
    "removexattrat": 466, "open_tree_attr": 467, "file_getattr": 468, "file_setattr": 469,
}  # fmt: skip
_DENIED = (
    "ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease move_pages "
    "migrate_pages mbind set_mempolicy set_mempolicy_home_node bpf perf_event_open lookup_dcookie userfaultfd "
    "io_uring_setup io_uring_enter io_uring_register vmsplice memfd_secret keyctl add_key request_key mount "
    "umount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount fspick "
    "mount_setattr statmount listmount unshare setns open_by_handle_at name_to_handle_at kexec_load "
    "kexec_file_load init_module finit_module delete_module create_module query_module get_kernel_syms reboot "
    "swapon swapoff quotactl quotactl_fd acct settimeofday clock_settime clock_adjtime adjtimex sethostname "
    "setdomainname syslog vhangup iopl ioperm modify_ldt fanotify_init fanotify_mark cachestat "
    "io_setup lsm_set_self_attr lsm_get_self_attr lsm_list_modules nfsservctl _sysctl sysfs ustat uselib"
)
DEFAULT_DENY = set(_DENIED.split())

NEW_NAMESPACES = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
MODES = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}  # which argument the mode is
UNIX, INET, INET6, NETLINK, VSOCK, QIPCRTR = 1, 2, 10, 16, 40, 42
STREAM, DGRAM, RAW, SEQPACKET, SOCK_PACKET = 1, 2, 3, 5, 10
GARBAGE = (0, 1 << 32, 0xDEADBEEF << 32, 0xFFFFFFFF << 32)  # above what the kernel takes of most arguments

# How the C compiler is asked for the numbers of a machine; the second as arm64's own header asks for them.
_HEADERS = {
    "x86_64": "#include <asm/unistd_64.h>\n",
    "aarch64": "#define __BITS_PER_LONG 64\n#define __ARCH_WANT_RENAMEAT\n#define __ARCH_WANT_NEW_STAT\n"
    "#define __ARCH_WANT_SET_GET_RLIMIT\n#define __ARCH_WANT_TIME32_SYSCALLS\n#define __ARCH_WANT_SYS_CLONE3\n"
    "#define __ARCH_WANT_MEMFD_SECRET\n#include <asm-generic/unistd.h>\n",
}


@functools.cache
def numbers(machine: str) -> Mapping[str, int]:
    """From the names of its calls to their numbers."""
    if machine == "x86_64" != platform.machine():
        pytest.skip("the headers of x86_64 are not here; those of arm64 are the generic ones")
    told = subprocess.run(["cc", "-E", "-dM", "-"], input=_HEADERS[machine], capture_output=True, text=True, check=True)
    said = dict(re.findall(r"^#define (__NR\w+) (\w+)$", told.stdout, re.MULTILINE))
    found = {name.removeprefix("__NR_"): value for name, value in said.items() if name.startswith("__NR_")}
    known = {name: int(said.get(value, value)) for name, value in found.items() if said.get(value, value).isdigit()}
    unlike = {"syscalls", "arch_specific_syscall"}  # the end of the table, and a place in it
    return NEWER | {name: number for name, number in known.items() if name not in unlike}


@functools.cache
def names(machine: str) -> Mapping[int, str]:
    return {number: name for name, number in numbers(machine).items()}


@dataclass(frozen=True)
class Policy:
    """`syscalls` as a policy's long form has it; `isolated`: the network is the job's own."""

    syscalls: Mapping[str, Any]
    isolated: bool = True
    machine: str = "x86_64"

    @property
    def action(self) -> str:
        return self.syscalls.get("action", "errno")

    @property
    def refused_always(self) -> int:
        return EPERM if self.action == "log" else REFUSED[self.action]

    def answer(self, number: int, arch: int, arguments: Sequence[int]) -> int:
        if arch != ARCH[self.machine] or (self.machine == "x86_64" and number >= 0x40000000):
            return self.refused_always
        name = names(self.machine).get(number, f"#{number}")
        low = [each & 0xFFFFFFFF for each in arguments]
        for answer in (self._structural(name, low, arguments), self._by_rule(name, arguments)):
            if answer is not None:
                return answer
        return self._by_list(number, name, low)

    def _structural(self, name: str, low: Sequence[int], arguments: Sequence[int]) -> int | None:
        if name == "clone3" or (name == "setrlimit" and low[0] == 4):
            return ENOSYS
        if name == "prlimit64" and low[1] == 4 and arguments[2] != 0:
            return ENOSYS
        refused = (
            name in {"unshare", "setns"}
            or (name == "clone" and any(low[0] & flag for flag in NEW_NAMESPACES))
            or (name == "ioctl" and low[1] in {0x5412, 0x541C})
            or (name in MODES and low[MODES[name]] & 0o4000)
            or (self.isolated and name in {"socket", "socketpair"} and low[0] in {VSOCK, QIPCRTR})
            or (self.isolated and name == "io_uring_setup")
        )
        return self.refused_always if refused else None

    def _by_rule(self, name: str, arguments: Sequence[int]) -> int | None:
        for rule in self.syscalls.get("rules", ()):
            looked_at = arguments[rule["arg"]] & rule.get("mask", 0xFFFFFFFF) if "arg" in rule else rule.get("value")
            if rule["syscall"] == name and looked_at == rule.get("value"):
                return REFUSED[rule["action"]]
        return None

    def _by_list(self, number: int, name: str, low: Sequence[int]) -> int:
        if (allowed := self.syscalls.get("allow")) is not None:
            return ALLOW if name in {*allowed, *STARTS_THE_PROGRAM} else REFUSED[self.action]
        denied = self.syscalls.get("deny", ["@default-deny"])
        by_default = "@default-deny" in denied
        if name in denied or (by_default and (name in DEFAULT_DENY or argument_is_denied(name, low))):
            return REFUSED[self.action]
        if by_default and number > NEWEST:
            return LOG if self.action == "log" else ENOSYS
        return ALLOW


def argument_is_denied(name: str, low: Sequence[int]) -> bool:
    """By @default-deny."""
    if name == "personality":
        return low[0] not in {0, 8, 0x20000, 0x20008, 0xFFFFFFFF}
    if name in {"socket", "socketpair"}:
        family, kind, protocol = low[0], low[1] & 0xF, low[2]
        if family in {INET, INET6}:
            return kind not in {STREAM, DGRAM} or protocol not in {0, 1, 6, 17, 58, 262}
        return family != UNIX and (family, protocol) != (NETLINK, 0)
    return (name == "prctl" and low[0] in {35, 62}) or (name == "ioctl" and low[1] == 0x5423)


def _cases() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Calls with the arguments at which some answer changes."""
    for above, flag, beside in itertools.product(GARBAGE, [0, *NEW_NAMESPACES], (0, 17, 0x3D0F00, 0x1200011, 0x80)):
        yield "clone", (above | flag | beside, 0, 0, 0, 0, 0)
    requests = {0, 0x5401, 0x5412, 0x541B, 0x541C, 0x5423, *(0x5412 ^ (1 << bit) for bit in range(32))}
    for above, request in itertools.product(GARBAGE, sorted(requests)):
        yield "ioctl", (0x5412, above | request, 0x5412, 0, 0, 0)
    for above, mode, (name, place) in itertools.product(
        GARBAGE, (0, 0o755, 0o2775, 0o1777, 0o4000, 0o6755), MODES.items()
    ):
        yield name, (0o4000,) * place + (above | mode,) + (0o4000,) * (5 - place)
    for above, persona in itertools.product(GARBAGE, (0, 1, 8, 9, 0x20000, 0x20008, 0x40000, 0x40000000, 0xFFFFFFFF)):
        yield "personality", (above | persona, 0, 0, 0, 0, 0)
    for above, resource, pointer in itertools.product(GARBAGE, range(17), (0, 1, 0x7FFE1000, 1 << 32, 0x7FFE00000000)):
        yield "prlimit64", (4, above | resource, pointer, 4, 0, 0)
        yield "setrlimit", (above | resource, pointer, 0, 0, 0, 0)
    for above, option in itertools.product(GARBAGE, (*range(80), 0x59616D61)):
        yield "prctl", (above | option, 35, 0, 0, 0, 0)
    yield from _sockets()


def _sockets() -> Iterator[tuple[str, tuple[int, ...]]]:
    kinds = (0, STREAM, DGRAM, RAW, SEQPACKET, SOCK_PACKET, STREAM | 0x80800, RAW | 0x80000)
    protocols = (0, 1, 6, 15, 17, 33, 58, 115, 132, 136, 255, 262)
    every = [*itertools.product(range(50), (STREAM, DGRAM), (0,)), (0xFFFFFFFF, STREAM, 0), (0x80000001, STREAM, 0)]
    every += itertools.product((UNIX, INET, INET6, NETLINK), kinds, protocols)
    for name, (family, kind, protocol) in itertools.product(("socket", "socketpair"), every):
        yield name, (family, kind, protocol, 0, 0, 0)
    for above, (family, protocol) in itertools.product(
        GARBAGE[1:], ((1, 0), (2, 6), (2, 132), (16, 0), (16, 15), (40, 0))
    ):
        yield "socket", (above | family, above | STREAM, above | protocol, 0, 0, 0)


CASES = list(_cases())


def cases_of_rules(rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Around the value of each rule: itself, each bit changed, and garbage above."""
    for rule in rules:
        value = rule.get("value", 0)
        for each in {value, *(value ^ (1 << bit) for bit in range(64)), *(value | above for above in GARBAGE)}:
            arguments = [0, 1, 2, 3, 4, 5]
            arguments[rule.get("arg", 0)] = each
            yield rule["syscall"], tuple(arguments)


def differences(program: bytes, policy: Policy) -> dict[str, tuple[str, str]]:
    """Where a program's answer is not the policy's: the call, what is answered, what ought to be."""
    machine = policy.machine
    found = {}
    for arch, number, arguments in asked(policy):
        told, expected = run(program, number, arch, arguments), policy.answer(number, arch, arguments)
        if told != expected:
            name = names(machine).get(number, "?")
            found[f"{name} {number:#x} {arch:#x} {[hex(each) for each in arguments]}"] = (hex(told), hex(expected))
    return found


def asked(policy: Policy) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    machine = policy.machine
    every = [*range(1024), 0x3FFFFFFF, 0x40000000, *range(0x40000000, 0x40000250), 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
    for number, word in itertools.product(every, (0, 0xFFFF_FFFF_FFFF_FFFF)):
        yield ARCH[machine], number, (word,) * 6
    for arch, number in itertools.product(FOREIGN[machine], (*range(0, 470, 3), 0x40000000, 0xFFFFFFFF)):
        yield arch, number, (0, 0, 0, 0, 0, 0)
    for name, arguments in (*CASES, *cases_of_rules(policy.syscalls.get("rules", ()))):
        if name in numbers(machine):
            yield ARCH[machine], numbers(machine)[name], arguments
