"""What a policy says of a system call: told from its own words, not from the filter that is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from sandbox_cli.policy.syscall_rules import DEFAULT_RULES, STRUCTURAL, STRUCTURAL_OF_A_NETWORK
from sandbox_cli.policy.syscalls import DEFAULT_SET, LAUNCHER_NEEDS, NEWEST, SETS
from sandbox_cli.verify.calls import FROM_32_BIT, call

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.policy.model import Policy, SyscallRule
    from sandbox_cli.policy.syscall_rules import Rule
    from sandbox_cli.verify.calls import Argument, Call

Decision = Literal["allow", "errno", "kill", "missing"]  # missing: ENOSYS, as if the kernel didn't have it
_X32_BIT = 0x4000_0000
_ARGUMENTS = 6
_SOME_POINTER = 0x7F00_0000_1000
_WHOLE = 0xFFFF_FFFF_FFFF_FFFF
_OF_A_CHILD, _OF_A_TIMER = (call("clone", 17), call("wait4")), call("setitimer")


@dataclass(frozen=True)
class Clause:
    """`syscalls` of a policy, with its sets written out."""

    listed: frozenset[str]
    is_allowed: bool  # what is listed; what isn't is the other
    is_default: bool  # it denies @default-deny, with what belongs to that
    rules: tuple[SyscallRule, ...]
    refusal: Decision
    structural: Decision
    isolated: bool  # the network is the jail's own

    @classmethod
    def of(cls, policy: Policy) -> Clause:
        said = policy.syscalls
        listed = said.deny if said.allow is None else (*said.allow, *LAUNCHER_NEEDS)
        return cls(
            listed=frozenset(name for each in listed or () for name in SETS.get(each, (each,))),
            is_allowed=said.allow is not None,
            is_default=DEFAULT_SET in (said.deny or ()),
            rules=said.rules,
            refusal="allow" if said.action == "log" else said.action,
            structural="errno" if said.action == "log" else said.action,
            isolated=policy.network != "host",
        )

    @cached_property
    def has_children(self) -> bool:
        """The probe may make an attempt in a child, and wait for it."""
        return all(self.decides(needed) == "allow" for needed in _OF_A_CHILD)

    @cached_property
    def has_timers(self) -> bool:
        return self.decides(_OF_A_TIMER) == "allow"

    def decides(self, call: Call) -> Decision:
        if call.name.startswith(FROM_32_BIT) or (call.name.isdigit() and int(call.name) >= _X32_BIT):
            return self.structural
        if call.name.isdigit():
            return "missing" if self.is_default and int(call.name) > NEWEST and self.refusal != "allow" else "allow"
        arguments = _numbers(call.arguments)
        for decision in self._ruled(call.name, arguments):
            if decision is None:  # it is left to the list
                break
            return decision
        return "allow" if (call.name in self.listed) == self.is_allowed else self.refusal

    def _ruled(self, name: str, arguments: Sequence[int]) -> Iterator[Decision | None]:
        """Of all rules that match, in the order in which they are asked."""
        yield from _matching(STRUCTURAL, name, arguments, self.structural)
        if self.isolated:
            yield from _matching(STRUCTURAL_OF_A_NETWORK, name, arguments, self.structural)
        for rule in self.rules:
            if rule.syscall == name and (rule.arg is None or arguments[rule.arg] & rule.mask == rule.value):
                yield "allow" if rule.action == "log" else rule.action
        if self.is_default:
            yield from _matching(DEFAULT_RULES, name, arguments, self.refusal)


def _matching(
    rules: Sequence[Rule], name: str, arguments: Sequence[int], refused: Decision
) -> Iterator[Decision | None]:
    decisions: dict[str, Decision | None] = {"refused": refused, "missing": "missing", "spared": None}
    for rule in rules:
        if rule.syscall == name and rule.matches(arguments):
            yield decisions[rule.verdict]


def _numbers(arguments: Sequence[Argument]) -> list[int]:
    """As a filter sees them; of what leads to memory no rule looks at more than whether it is there."""
    numbers = [each & _WHOLE if isinstance(each, int) else _SOME_POINTER for each in arguments]
    return numbers + [0] * (_ARGUMENTS - len(numbers))
