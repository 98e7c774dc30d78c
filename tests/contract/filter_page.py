"""docs/filter.md, from the filter that a program in a jail really has.

`python -m tests.contract.filter_page docs/filter.md`, as root of the host, writes it.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from sandbox_cli.policy.syscall_rules import (
    DEFAULT_RULES,
    LOW_HALF,
    SET_UID,
    STRUCTURAL,
    STRUCTURAL_OF_A_NETWORK,
    WHOLE,
    Rule,
)
from sandbox_cli.policy.syscalls import GROUPS, LAUNCHER_NEEDS, NEWEST, SETS
from tests.contract import readback
from tests.policy.answers import names
from tests.policy.machine import ALLOW, ENOSYS, EPERM, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sandbox_cli.policy.syscall_rules import Test

TEXT = Path(__file__).with_name("filter_page.md")
MACHINE = "x86_64"
ANSWERS = {ALLOW: "let through", EPERM: "EPERM", ENOSYS: "ENOSYS"}
FAMILIES = {1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 40: "AF_VSOCK", 42: "AF_QIPCRTR"}
KINDS = {1: "SOCK_STREAM", 2: "SOCK_DGRAM"}
PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 262: "MPTCP"}
WORDS = {  # of arguments whose values have names
    ("socket", 0): FAMILIES, ("socketpair", 0): FAMILIES, ("socket", 1): KINDS, ("socketpair", 1): KINDS,
    ("socket", 2): PROTOCOLS, ("socketpair", 2): PROTOCOLS,
    ("ioctl", 1): {0x5412: "TIOCSTI", 0x541C: "TIOCLINUX", 0x5423: "TIOCSETD"},
    ("prctl", 0): {35: "PR_SET_MM", 62: "PR_SCHED_CORE"},
    ("setrlimit", 0): {4: "RLIMIT_CORE"}, ("prlimit64", 1): {4: "RLIMIT_CORE"},
}  # fmt: skip
GAPS = range(335, 424)  # no calls, or such as only the kernel itself makes


def page(program: bytes) -> str:
    """The page about `program`, the filter of the default policy."""
    groups = table(("calls", "why"), [(", ".join(f"`{name}`" for name in each.names), each.why) for each in GROUPS])
    return Template(TEXT.read_text()).substitute(
        launcher=", ".join(f"`{name}`" for name in LAUNCHER_NEEDS),
        structural=rules_table(STRUCTURAL),
        network=rules_table(STRUCTURAL_OF_A_NETWORK),
        groups=groups,
        newest=NEWEST,
        rules=rules_table(DEFAULT_RULES),
        calls=table(("number", "call", "where", "answer", "why, or the sets that have it"), list(calls(program))),
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def rules_table(rules: Sequence[Rule]) -> str:
    answers = {"refused": "refused", "missing": "ENOSYS", "spared": "left to the list"}
    rows = []
    for place, rule in enumerate(rules):
        first = all(each.syscall != rule.syscall for each in rules[:place])
        rows.append((f"`{rule.syscall}`", where(rule, alone=first), answers[rule.verdict], rule.why))
    return table(("call", "where", "answer", "why"), rows)


def where(rule: Rule, *, alone: bool = False) -> str:
    return ", ".join(_test(rule.syscall, test) for test in rule.tests) or ("always" if alone else "else")


def _test(syscall: str, test: Test) -> str:
    place, known = f"arg {test.argument}", WORDS.get((syscall, test.argument), {})
    if test.negated:
        return f"{place} is not NULL" if test.mask == WHOLE else f"{place} has a bit of {_number(test.mask)}"
    masked = "" if test.mask == LOW_HALF else f" & {_number(test.mask)}"
    return f"{place}{masked} is {' or '.join(known.get(value, _number(value)) for value in test.values)}"


def _number(value: int) -> str:
    if value == SET_UID:
        return f"{value:#o}"
    return f"{value:#x}" if value > 9 else str(value)


def calls(program: bytes) -> Iterator[tuple[str, str, str, str, str]]:
    """A row for each call, or for each case of one."""
    for number in range(NEWEST + 1):
        name = names(MACHINE).get(number)
        if name is None or number in GAPS:
            continue
        rules = [rule for rule in (*STRUCTURAL, *STRUCTURAL_OF_A_NETWORK, *DEFAULT_RULES) if rule.syscall == name]
        cases = [(rule, rules[:place]) for place, rule in enumerate(rules)]
        if not rules or rules[-1].tests:
            cases.append((Rule(name, verdict="spared", why=_why(name)), rules))
        for rule, before in cases:
            arguments = _example(rule, before)
            if arguments is not None:
                told = ANSWERS[run(program, number, args=arguments)]
                seen = where(rule) if rules and not (rule.tests == () and rule is rules[0]) else ""
                yield str(number), f"`{name}`", seen, told, rule.why or _why(name)


def _why(name: str) -> str:
    refused = next((group.why for group in GROUPS if name in group.names), None)
    return refused or ", ".join(each for each, members in SETS.items() if name in members) or "in no set"


def _example(rule: Rule, before: Sequence[Rule]) -> tuple[int, ...] | None:
    """Arguments at which `rule` is the first to match; None where there are none."""
    values: list[set[int]] = [{0, 99} for _ in range(3)]
    for test in itertools.chain(rule.tests, *(each.tests for each in before)):
        values[test.argument] |= {*test.values, test.mask & -test.mask}
    for chosen in itertools.product(*(sorted(each) for each in values)):
        arguments = (*chosen, 0, 0, 0)
        if rule.matches(arguments) and not any(each.matches(arguments) for each in before):
            return arguments
    return None


def read_back() -> bytes:
    asleep = ["/bin/sleep", f"30.{os.getpid()}"]
    with subprocess.Popen([sys.executable, "-m", "sandbox_cli", "exec", "--", *asleep], stderr=subprocess.DEVNULL):
        pid = readback.running(asleep)
        program = readback.filters(pid)[-1]
        readback.end(pid)
    return program


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(read_back()))
