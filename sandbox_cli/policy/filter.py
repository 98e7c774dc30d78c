"""The syscall filter: one BPF program, which the launcher loads in every jail alike.

It has two parts. First come the rules that hold under every policy, written out here, since libseccomp
can't say them for both kinds of lists: "not this value under a mask" is beyond it, and so is a rule with
arguments beside an `allow` of the same call. Then comes what libseccomp makes of the policy's list. BPF
jumps are relative, so one simply follows the other.

A process that runs 32-bit code or x32 numbers has other numbers for the same calls: all of theirs are
refused. The kernel looks each number's answer up in a bitmap where a filter allows it without looking at
arguments, so what is let through costs nothing.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

from sandbox_cli.errors import HostError
from sandbox_cli.policy import bpf
from sandbox_cli.policy.syscall_names import architecture, libseccomp, number
from sandbox_cli.policy.syscalls import LAUNCHER_NEEDS, NUMBERS, ONLY_OLDER_MACHINES, SETS, STRUCTURAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox_cli.policy.bpf import Instruction
    from sandbox_cli.policy.model import Syscalls
    from sandbox_cli.policy.syscalls import Rule

LARGEST = 32 << 10  # BPF_MAXINSNS of 8 bytes
X32_BIT = 0x4000_0000
_BINARY_TREE = 2  # SCMP_FLTATR_CTL_OPTIMIZE

_REFUSED = {"errno": bpf.ERRNO | errno.EPERM, "kill": bpf.KILL_PROCESS, "log": bpf.LOG}
# What is structural is never only logged: it would be let through.
_STRUCTURAL = {**_REFUSED, "log": bpf.ERRNO | errno.EPERM}
_MISSING = bpf.ERRNO | errno.ENOSYS


def compile_filter(syscalls: Syscalls, machine: str) -> bytes:
    """The program for `machine` (x86_64, aarch64): `struct sock_filter`s. HostError where libseccomp is not there."""
    names = _expanded(syscalls.deny if syscalls.allow is None else syscalls.allow)
    if syscalls.allow is not None:
        names |= set(LAUNCHER_NEEDS)
    listed = bpf.ALLOW if syscalls.allow is not None else _REFUSED[syscalls.action]
    other = _REFUSED[syscalls.action] if syscalls.allow is not None else bpf.ALLOW
    program = b"".join(
        [
            *_foreign(machine, _STRUCTURAL[syscalls.action]),
            *_structural(machine, _STRUCTURAL[syscalls.action]),
            *_newer(names, machine, listed),
            _by_libseccomp(names, machine, listed, other, _STRUCTURAL[syscalls.action]),
        ]
    )
    if len(program) > LARGEST:
        raise HostError("the syscall filter is larger than the kernel takes", hint="list fewer calls, or sets")
    return program


def _expanded(listed: Iterable[str] | None) -> set[str]:
    return {name for each in listed or () for name in SETS.get(each, (each,))}


def _foreign(machine: str, refused: int) -> list[Instruction]:
    """Another machine's calls, and, on x86_64, those of x32: the same architecture, with a bit set in the number."""
    program = [
        bpf.load_architecture(),
        *bpf.unless_equal(architecture(machine), [bpf.answer(refused)]),
        bpf.load_number(),
    ]
    if machine == "x86_64":
        program += bpf.when_at_least(X32_BIT, [bpf.answer(refused)])
    return program


def _structural(machine: str, refused: int) -> list[Instruction]:
    program: list[Instruction] = []
    for rule in STRUCTURAL:
        value = number(rule.syscall, machine)
        if value is None and rule.syscall in ONLY_OLDER_MACHINES:
            continue
        if value is None:
            raise AssertionError(f"{machine} has no {rule.syscall}")
        program += bpf.when_equal(value, _rule(rule, _MISSING if rule.missing else refused))
    return program


def _rule(rule: Rule, refused: int) -> list[Instruction]:
    if rule.argument is None:
        return [bpf.answer(refused)]
    tests = [bpf.when_any_bit(rule.any_bit, [bpf.answer(refused)])] if rule.any_bit else []
    tests += [bpf.when_equal(value, [bpf.answer(refused)]) for value in rule.equals]
    instructions = [each for test in tests for each in test]
    return [bpf.load_argument(rule.argument), *instructions, bpf.load_number()]


def _newer(names: Iterable[str], machine: str, answer: int) -> list[Instruction]:
    """Those of `names` that this libseccomp has no number for."""
    unknown = [name for name in sorted(names) if name in NUMBERS and not _known(name, machine)]
    return [each for name in unknown for each in bpf.when_equal(NUMBERS[name], [bpf.answer(answer)])]


def _known(name: str, machine: str) -> bool:
    found: int = libseccomp().resolve_syscall(architecture(machine), name)
    return found >= 0


def _by_libseccomp(names: Iterable[str], machine: str, listed: int, other: int, foreign: int) -> bytes:
    seccomp = libseccomp()
    try:
        program = seccomp.SyscallFilter(other)
        if program.get_attr(seccomp.Attr.ACT_BADARCH) != foreign:
            program.set_attr(seccomp.Attr.ACT_BADARCH, foreign)
        _use_architecture(program, architecture(machine))
        for name in sorted(names):
            if _known(name, machine):
                program.add_rule(listed, name)
        program.set_attr(seccomp.Attr.CTL_OPTIMIZE, _BINARY_TREE)
        return _exported(program)
    except OSError as error:
        raise HostError(f"libseccomp can't make the syscall filter: {error.strerror}") from None


def _use_architecture(program: Any, wanted: int) -> None:  # noqa: ANN401 (pyseccomp has no types)
    seccomp = libseccomp()
    native = seccomp.system_arch()
    if wanted != native:
        program.add_arch(wanted)
        program.remove_arch(native)


def _exported(program: Any) -> bytes:  # noqa: ANN401
    descriptor = os.memfd_create("filter", os.MFD_CLOEXEC)
    with open(descriptor, "rb+") as file:  # noqa: PTH123 (a descriptor, not a path)
        program.export_bpf(file)
        file.seek(0)
        exported: bytes = file.read()
    return exported
