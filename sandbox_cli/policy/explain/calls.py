"""What becomes of one system call under a policy, in words: the filter's own order, asked as a reader would."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy.syscall_rules import DEFAULT_RULES, LOW_HALF, STRUCTURAL, STRUCTURAL_OF_A_NETWORK, Test
from sandbox_cli.policy.syscalls import DEFAULT_SET, GROUPS, LAUNCHER_NEEDS, SETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox_cli.policy.layers import Path
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.policy.syscall_rules import Rule

_LET_THROUGH = "let through"
_REFUSED = {
    "errno": "refused with EPERM", "kill": "refused, and ends the program", "log": "let through, and logged",
    "allow": _LET_THROUGH,
}  # fmt: skip
_STRUCTURAL = {**_REFUSED, "log": _REFUSED["errno"]}  # what every policy refuses is never only logged
_MISSING = "refused with ENOSYS, as by a kernel that doesn't have it"
_ALWAYS = "under every policy, "


class Answer(NamedTuple):
    """What becomes of a call where all of `tests` hold, why, and the clause that says so; None: no policy does.

    `named`: what stands in the list of that clause for it, the call itself or a set.
    """

    tests: tuple[Test, ...]
    told: str
    why: str
    clause: Path | None
    named: str | None = None


def answers(policy: Policy, name: str) -> list[Answer]:
    """In the order in which they are asked: the first whose tests hold decides, and the last has none."""
    found: list[Answer] = []
    for each in _asked(policy, name):
        found.append(each)
        if not each.tests:
            break
    return found


def sentences(policy: Policy, name: str) -> list[str]:
    """What becomes of the call by itself; then with which arguments something else does."""
    *special, last = answers(policy, name)
    told = f"{last.told}{', but for some arguments' if special else ''}: {last.why}"
    return [told, *(f"{each.told} where {_conditions(each.tests)}: {each.why}" for each in special)]


def _asked(policy: Policy, name: str) -> Iterator[Answer]:
    said = policy.syscalls
    listed = _by_lists(policy, name)
    yield from _by_rules(STRUCTURAL, name, _STRUCTURAL[said.action], listed, None)
    if policy.network != "host":
        yield from _by_rules(STRUCTURAL_OF_A_NETWORK, name, _STRUCTURAL[said.action], listed, None)
    for rule in said.rules:
        if rule.syscall == name:
            tests = () if rule.arg is None else (Test(rule.arg, (rule.value,), rule.mask),)
            yield Answer(tests, _REFUSED[rule.action], "a rule of the policy", ("syscalls", "rules"))
    if DEFAULT_SET in (said.deny or ()):
        yield from _by_rules(DEFAULT_RULES, name, _REFUSED[said.action], listed, ("syscalls", "deny"))
    yield listed


def _by_rules(rules: Iterable[Rule], name: str, refused: str, listed: Answer, clause: Path | None) -> Iterator[Answer]:
    always = _ALWAYS if clause is None else f"{DEFAULT_SET}, "
    for rule in rules:
        if rule.syscall != name:
            continue
        if rule.verdict == "spared":
            yield listed._replace(tests=rule.tests)
        else:
            told = _MISSING if rule.verdict == "missing" else refused
            yield Answer(rule.tests, told, f"{always}{rule.why}", clause, None if clause is None else DEFAULT_SET)


def _by_lists(policy: Policy, name: str) -> Answer:
    said = policy.syscalls
    if said.allow is not None:
        named = next((each for each in said.allow if name in SETS.get(each, (each,))), None)
        if named is None and name in LAUNCHER_NEEDS:
            return Answer((), _LET_THROUGH, f"{_ALWAYS}starting the program takes it", None)
        told = _REFUSED[said.action] if named is None else _LET_THROUGH
        return Answer((), told, _named(named, name, "allow"), ("syscalls", "allow"), named)
    named = next((each for each in said.deny or () if name in SETS.get(each, (each,))), None)
    told = _LET_THROUGH if named is None else _REFUSED[said.action]
    return Answer((), told, _named(named, name, "deny"), ("syscalls", "deny"), named)


def _named(named: str | None, name: str, key: str) -> str:
    if named is None:
        return f"`{key}` doesn't name it"
    if named == DEFAULT_SET:
        return f"{DEFAULT_SET}, {next(group.why for group in GROUPS if name in group.names)}"
    return f"`{key}` names it" if named == name else f"`{key}` names {named}, which has it"


def _conditions(tests: Iterable[Test]) -> str:
    return " and ".join(_condition(test) for test in tests)


def _condition(test: Test) -> str:
    if test.negated and test.values == (0,) and test.mask != LOW_HALF:
        return f"argument {test.argument} has a bit of {test.mask:#x}"
    mask = "" if test.mask == LOW_HALF else f" & {test.mask:#x}"
    values = " or ".join(f"{value:#x}" for value in test.values)
    return f"argument {test.argument}{mask} is {'not ' if test.negated else ''}{values}"
