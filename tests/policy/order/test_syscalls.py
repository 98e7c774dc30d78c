"""Filters are ordered by what they answer: told from the words, held against the programs that are made of them."""

from __future__ import annotations

import itertools
import platform
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as some

from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.model import SyscallRule, Syscalls
from sandbox_cli.policy.order.syscalls import FOREIGN, NEWER, OTHER, Answers, Changed, changed
from sandbox_cli.policy.syscall_names import number
from sandbox_cli.policy.syscall_rules import DEFAULT_RULES, STRUCTURAL, STRUCTURAL_OF_A_NETWORK, WHOLE
from sandbox_cli.policy.syscalls import DEFAULT_DENY
from tests.policy.answers import ARCH
from tests.policy.machine import ALLOW, I386, KILL, LOG, run
from tests.policy.policies import ARGUMENTS, CALLS, RULES, SYSCALLS

if TYPE_CHECKING:
    from collections.abc import Collection

    from sandbox_cli.policy.order import Relation

MACHINE = platform.machine()
DEFAULT = Syscalls(deny=("@default-deny",))


def deny(*names: str, rules: tuple[SyscallRule, ...] = (), **said: str) -> Syscalls:
    return Syscalls.model_validate({"deny": names, "rules": rules, **said})


def rule(syscall: str, action: str, **test: int) -> SyscallRule:
    return SyscallRule.model_validate({"syscall": syscall, "action": action, **test})


def difference(before: Syscalls, after: Syscalls, *, isolated: tuple[bool, bool] = (True, True)) -> Changed:
    sides = zip((before, after), isolated, strict=True)
    return changed(*(Answers.of(said, isolated=own) for said, own in sides))


SOCKET_VSOCK = {"arg": 0, "value": 0x28}
EXAMPLES: list[tuple[str, Syscalls, Syscalls, Relation]] = [
    ("one more denied", DEFAULT, deny("@default-deny", "uname"), "tighter"),
    ("one denied already", DEFAULT, deny("@default-deny", "ptrace"), "equal"),
    ("a set written out", deny("@mount"), deny("mount", "chroot", "fsconfig", "fsmount", "fsopen", "fspick",
     "mount_setattr", "move_mount", "open_tree", "pivot_root", "umount", "umount2"), "equal"),
    ("nothing denied", DEFAULT, deny(), "looser"),
    ("the names of the default without its rules", DEFAULT, deny(*DEFAULT_DENY), "looser"),
    ("kill", DEFAULT, deny("@default-deny", action="kill"), "tighter"),
    ("log", DEFAULT, deny("@default-deny", action="log"), "looser"),
    ("kill, and nothing is listed", deny(), deny(action="kill"), "tighter"),
    ("a list of what is allowed", deny(), Syscalls(allow=("@process",)), "tighter"),
    ("a longer one", Syscalls(allow=("uname",)), Syscalls(allow=("uname", "getuid")), "looser"),
    ("what starting takes", Syscalls(allow=("uname",)), Syscalls(allow=("uname", "read")), "equal"),
    ("an allow-list with what the default denies", DEFAULT, Syscalls(allow=("ptrace",)), "incomparable"),
    ("an allow-list within the default", DEFAULT, Syscalls(allow=("getuid",)), "tighter"),
    ("an allow-list with a call that the default has rules for", DEFAULT, Syscalls(allow=("socket",)), "incomparable"),
    ("that call with the same rules", DEFAULT,
     Syscalls(allow=("socket",), rules=(rule("socket", "allow", arg=0, value=1), rule("socket", "errno"))), "tighter"),
    ("a rule that refuses", deny(), deny(rules=(rule("socket", "errno", arg=0, value=1),)), "tighter"),
    ("a rule about what the default refuses", DEFAULT,
     deny("@default-deny", rules=(rule("socket", "errno", arg=0, value=17),)), "equal"),
    ("a rule that spares", DEFAULT, deny("@default-deny", rules=(rule("socket", "allow", arg=0, value=17),)), "looser"),
    ("a rule behind one", deny(rules=(rule("uname", "errno"),)),
     deny(rules=(rule("uname", "errno"), rule("uname", "kill"))), "equal"),
    ("rules in another order",
     deny(rules=(rule("socket", "errno", arg=0, value=1), rule("socket", "kill", arg=1, value=2))),
     deny(rules=(rule("socket", "kill", arg=1, value=2), rule("socket", "errno", arg=0, value=1))), "tighter"),
    ("rules of different values in another order",
     deny(rules=(rule("socket", "errno", arg=0, value=1), rule("socket", "kill", arg=0, value=2))),
     deny(rules=(rule("socket", "kill", arg=0, value=2), rule("socket", "errno", arg=0, value=1))), "equal"),
    ("a mask within another", deny(rules=(rule("ioctl", "errno", arg=1, mask=0xF0, value=0x10),)),
     deny(rules=(rule("ioctl", "errno", arg=1, mask=0xFF, value=0x13),)), "looser"),
    ("all values of a mask", deny(rules=(rule("ioctl", "errno"),)),
     deny(rules=tuple(rule("ioctl", "errno", arg=1, mask=3, value=value) for value in range(4))), "equal"),
    ("bit by bit", deny(rules=(rule("ioctl", "errno"),)),
     deny(rules=(rule("ioctl", "errno", arg=1, mask=1, value=1), rule("ioctl", "errno", arg=1, mask=2, value=2),
                 rule("ioctl", "errno", arg=1, mask=3, value=0))), "equal"),
    ("the high half", deny("getuid", rules=(rule("getuid", "allow", arg=0, value=1),)),
     deny("getuid", rules=(rule("getuid", "allow", arg=0, mask=WHOLE, value=1),)), "tighter"),
    ("calls that no machine of ours has", deny(), deny("s390_pci_mmio_read"), "tighter"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "found"), [each[1:] for each in EXAMPLES], ids=[each[0] for each in EXAMPLES]
)
def test_examples(before: Syscalls, after: Syscalls, found: Relation) -> None:
    assert difference(before, after).relation == found


def test_a_network_of_ones_own_closes_more() -> None:
    found = difference(deny(), deny(), isolated=(True, False))
    assert found == (["io_uring_setup", "socket", "socketpair"], [], [])
    assert difference(DEFAULT, DEFAULT, isolated=(True, False)).relation == "equal"


def test_too_many_cases_are_incomparable() -> None:
    """Where three arguments of a call have many values each, nobody asks about all of them together."""
    rules = tuple(rule("socket", "errno", arg=arg, value=value) for arg in range(3) for value in range(100))
    more = (*rules, rule("socket", "allow", arg=3, value=1))
    found = difference(deny(rules=more), deny(rules=(*rules[1:], *more)))
    assert found.unsure == ["socket"]
    assert found.relation == "incomparable"
    assert difference(deny(rules=rules), deny("uname", rules=rules)).relation == "tighter"


def test_many_rules_take_no_time() -> None:
    rules = tuple(rule("ioctl", "errno", arg=1, value=value) for value in range(1000))
    masks = tuple(rule("ioctl", "errno", arg=1, mask=1 << bit, value=1 << bit) for bit in range(12))
    started = time.process_time()
    assert difference(deny(rules=rules), deny(rules=rules[1:])).relation == "looser"
    assert difference(deny(rules=masks), deny(rules=masks[1:])).relation == "looser"
    assert time.process_time() - started < 5


def test_the_default_against_a_list_takes_no_time() -> None:
    whole = Syscalls(allow=("@system-service", "@mount", "@file-system"))
    difference(DEFAULT, whole)
    started = time.process_time()
    difference(DEFAULT, whole)
    assert time.process_time() - started < 0.1


RANK = {KILL: 0, LOG: 2, ALLOW: 3}
NAMES = tuple(sorted({*CALLS, "getpid", "clone3", "execve", "userfaultfd", "bpf", "umount2", "connect", "setns"}))
RULED = {each.syscall for each in (*STRUCTURAL, *STRUCTURAL_OF_A_NETWORK, *DEFAULT_RULES)}
VALUES = tuple(sorted({*ARGUMENTS, *(value ^ 0x3_0000_0040 for value in ARGUMENTS), 0x20, 1 << 17, 1 << 63, WHOLE}))
VECTORS = tuple(itertools.product(VALUES, VALUES, (0, 1, 0x28)))
THE_SAME = tuple((value, value, value) for value in (*VALUES, 8, 35, 62))


def rank(program: bytes, call: int, arguments: tuple[int, ...], arch: int = ARCH.get(MACHINE, 0)) -> int:
    return RANK.get(run(program, call, arch, arguments), 1)


def answers(said: Syscalls, *, isolated: bool, often: Collection[str]) -> dict[str, list[int]]:
    """To the calls by name, to those of `often` with more arguments."""
    program = compile_filter(said, MACHINE, isolated=isolated)
    found = {
        name: [rank(program, call, each) for each in (VECTORS if name in often else THE_SAME)]
        for name in NAMES
        if (call := number(name, MACHINE)) is not None
    }
    return found | {
        FOREIGN: [rank(program, 20, (), I386)],
        NEWER: [rank(program, 1000, ())],
        OTHER: [rank(program, 400, ())],
    }


@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate])  # to shrink would take minutes
@given(SYSCALLS, SYSCALLS, some.lists(RULES, max_size=2), some.booleans(), some.booleans())
def test_the_programs_answer_as_the_order_says(
    before: Syscalls, other: Syscalls, rules: list[SyscallRule], alike: bool, isolated: bool
) -> None:
    after = before.model_copy(update={"rules": (*rules, *before.rules)}) if alike else other
    sides = [Answers.of(each, isolated=isolated) for each in (before, after)]
    found = changed(*sides)
    named = {name for each in sides for name in (*each.listed, *each.rules, FOREIGN, NEWER)}
    written = {each.syscall for each in (*before.rules, *after.rules)}
    old, new = (answers(each, isolated=isolated, often=written) for each in (before, after))
    for name in old:
        pairs = list(zip(old[name], new[name], strict=True))
        more, less = any(b > a for a, b in pairs), any(b < a for a, b in pairs)
        told = name if name in named else OTHER
        assert more <= (told in found.more), name
        assert less <= (told in found.less), name
        if name not in RULED:  # of these too few arguments were tried
            assert (more, less) == (told in found.more, told in found.less), name
