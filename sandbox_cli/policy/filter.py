"""The syscall filter: one BPF program, which the launcher loads in every jail alike.

It has two parts. First come the rules that look at arguments, written out here, since libseccomp can't say them: "not
this value under a mask" is beyond it, and so are rules in an order, and one beside an `allow` of the same call. Of
each call's rules those of every policy are asked first, then the policy's own, then those of @default-deny. Where
none decides comes what libseccomp makes of the policy's list. BPF jumps are relative, so one part simply follows the
other.

A process that runs 32-bit code or x32 numbers has other numbers for the same calls: all of theirs are
refused. The kernel looks each number's answer up in a bitmap where a filter allows it without looking at
arguments, so what is let through costs nothing.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox_cli.errors import HostError
from sandbox_cli.policy import bpf
from sandbox_cli.policy.syscall_names import architecture, libseccomp, number
from sandbox_cli.policy.syscall_rules import (
    DEFAULT_RULES,
    LOW_HALF,
    STRUCTURAL,
    STRUCTURAL_OF_A_NETWORK,
    Test,
)
from sandbox_cli.policy.syscalls import DEFAULT_SET, LAUNCHER_NEEDS, NEWEST, SETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandbox_cli.policy.bpf import Instruction
    from sandbox_cli.policy.model import SyscallRule, Syscalls
    from sandbox_cli.policy.syscall_rules import Rule

LARGEST = 32 << 10  # BPF_MAXINSNS of 8 bytes
X32_BIT = 0x4000_0000
_BINARY_TREE = 2  # SCMP_FLTATR_CTL_OPTIMIZE

_REFUSED = {"errno": bpf.ERRNO | errno.EPERM, "kill": bpf.KILL_PROCESS, "log": bpf.LOG, "allow": bpf.ALLOW}
# What is structural is never only logged: it would be let through.
_STRUCTURAL = {**_REFUSED, "log": bpf.ERRNO | errno.EPERM}
_MISSING = bpf.ERRNO | errno.ENOSYS


class _Asked(NamedTuple):
    """A rule with its answer; None leaves the call to the lists."""

    tests: tuple[Test, ...]
    answer: int | None


class _Word(NamedTuple):
    """A test of one half of an argument: no instruction compares more than 32 bits."""

    argument: int
    high: bool
    mask: int
    values: tuple[int, ...]
    negated: bool


def compile_filter(syscalls: Syscalls, machine: str, *, isolated: bool = True) -> bytes:
    """The program for `machine` (x86_64, aarch64): `struct sock_filter`s. HostError where libseccomp is not there.

    `isolated`: the network is the jail's own.
    """
    names = _expanded(syscalls.deny if syscalls.allow is None else syscalls.allow)
    if syscalls.allow is not None:
        names |= set(LAUNCHER_NEEDS)
    listed = bpf.ALLOW if syscalls.allow is not None else _REFUSED[syscalls.action]
    other = _REFUSED[syscalls.action] if syscalls.allow is not None else bpf.ALLOW
    program = b"".join(
        [
            *_foreign(machine, _STRUCTURAL[syscalls.action]),
            *_by_rules(syscalls, machine, isolated=isolated),
            *_newer(names, machine, listed),
            *(_not_looked_at(syscalls.action) if _is_default(syscalls) else ()),
            _by_libseccomp(names, machine, listed, other, _STRUCTURAL[syscalls.action]),
        ]
    )
    if len(program) > LARGEST:
        raise HostError("the syscall filter is larger than the kernel takes", hint="list fewer calls or rules")
    return program


def _expanded(listed: Iterable[str] | None) -> set[str]:
    return {name for each in listed or () for name in SETS.get(each, (each,))}


def _is_default(syscalls: Syscalls) -> bool:
    return DEFAULT_SET in (syscalls.deny or ())


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


def _by_rules(syscalls: Syscalls, machine: str, *, isolated: bool) -> list[Instruction]:
    """Each call's rules in one block behind its number."""
    calls: dict[str, list[_Asked]] = {}
    for name, rule in _rules(syscalls, isolated=isolated):
        calls.setdefault(name, []).append(rule)
    program: list[Instruction] = []
    for name, rules in calls.items():
        if (value := number(name, machine)) is not None:
            program += bpf.when_equal(value, _block(rules))
    return program


def _rules(syscalls: Syscalls, *, isolated: bool) -> Iterator[tuple[str, _Asked]]:
    """In the order in which they are asked."""
    yield from _answered(STRUCTURAL, _STRUCTURAL[syscalls.action])
    if isolated:
        yield from _answered(STRUCTURAL_OF_A_NETWORK, _STRUCTURAL[syscalls.action])
    for written in syscalls.rules:
        yield written.syscall, _Asked(_tests(written), _REFUSED[written.action])
    if _is_default(syscalls):
        yield from _answered(DEFAULT_RULES, _REFUSED[syscalls.action])


def _answered(rules: Iterable[Rule], refused: int) -> Iterator[tuple[str, _Asked]]:
    answers: Mapping[str, int | None] = {"refused": refused, "missing": _MISSING, "spared": None}
    for rule in rules:
        yield rule.syscall, _Asked(rule.tests, answers[rule.verdict])


def _tests(written: SyscallRule) -> tuple[Test, ...]:
    return () if written.arg is None else (Test(written.arg, (written.value,), written.mask),)


def _block(rules: Iterable[_Asked]) -> list[Instruction]:
    """The rules one after the other, and at the end, where none has answered, the number again."""
    alternatives = [(words, rule.answer) for rule in rules for words in _in_words(rule.tests)]
    program: list[Instruction] = []
    for words, answer in reversed(alternatives):  # from the end: a jump has to know what it skips
        found = [bpf.skip(len(program)) if answer is None else bpf.answer(answer)]
        for word in reversed(words):
            found = [*_looked_at(word, len(found)), *found]
        program = found + program
    return [*program, bpf.load_number()]


def _looked_at(word: _Word, rest: int) -> list[Instruction]:
    """Skips the `rest` of a rule, unless the word is as the rule wants it."""
    mask = [] if word.mask == LOW_HALF else [bpf.keep_bits(word.mask)]
    skip = bpf.skip_if if word.negated else bpf.skip_unless
    return [bpf.load_argument(word.argument, high=word.high), *mask, *skip(word.values, rest)]


def _in_words(tests: tuple[Test, ...]) -> list[list[_Word]]:
    """What has to hold of single words: all of one list, or all of another. An argument differs where a half does."""
    found: list[list[_Word]] = [[]]
    for test in tests:
        words = list(_words(test))
        if test.negated:
            found = [[*before, word] for before in found for word in words]
        else:
            found = [[*before, *words] for before in found]
    return found


def _words(test: Test) -> Iterator[_Word]:
    for high in (False, True):
        shift = 32 if high else 0
        if mask := test.mask >> shift & LOW_HALF:
            assert test.mask <= LOW_HALF or len(test.values) == 1  # halves of several values could be mixed up
            values = tuple(value >> shift & LOW_HALF for value in test.values)
            yield _Word(test.argument, high, mask, values, test.negated)


def _not_looked_at(action: str) -> list[Instruction]:
    """The calls of newer kernels, which nobody has held against @default-deny."""
    return bpf.when_at_least(NEWEST + 1, [bpf.answer(bpf.LOG if action == "log" else _MISSING)])


def _newer(names: Iterable[str], machine: str, answer: int) -> list[Instruction]:
    """Those of `names` that this libseccomp has no number for, or that are newer than @default-deny."""
    numbers = [value for name in names if (value := _number_apart(name, machine)) is not None]
    return [each for value in sorted(numbers) for each in bpf.when_equal(value, [bpf.answer(answer)])]


def _number_apart(name: str, machine: str) -> int | None:
    value = number(name, machine)
    return value if value is not None and (value > NEWEST or not _known(name, machine)) else None


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
