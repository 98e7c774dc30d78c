"""What a policy says of a system call: told from its own words, not from the filter that is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from sandbox_cli.policy.syscalls import LAUNCHER_NEEDS, SETS, STRUCTURAL
from sandbox_cli.verify.calls import FROM_32_BIT

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Syscalls
    from sandbox_cli.verify.calls import Argument, Call

Decision = Literal["allow", "errno", "kill", "missing"]  # missing: ENOSYS, as if the kernel didn't have it
_LOW_HALF = 0xFFFF_FFFF
_X32_BIT = 0x4000_0000


class Clause(NamedTuple):
    """`syscalls` of a policy, with its sets written out."""

    listed: frozenset[str]
    is_allowed: bool  # what is listed; what isn't is the other
    refusal: Decision
    structural: Decision

    @classmethod
    def of(cls, syscalls: Syscalls) -> Clause:
        said = syscalls.deny if syscalls.allow is None else (*syscalls.allow, *LAUNCHER_NEEDS)
        names = frozenset(name for each in said or () for name in SETS.get(each, (each,)))
        refusal: Decision = "allow" if syscalls.action == "log" else syscalls.action
        return cls(names, syscalls.allow is not None, refusal, "errno" if syscalls.action == "log" else refusal)

    def decides(self, call: Call) -> Decision:
        if call.name.startswith(FROM_32_BIT) or (call.name.isdigit() and int(call.name) >= _X32_BIT):
            return self.structural
        for rule in STRUCTURAL:
            if rule.syscall == call.name:
                value = _low_half(call.arguments[rule.argument]) if rule.argument is not None else None
                if rule.argument is None or (value is not None and (value & rule.any_bit or value in rule.equals)):
                    return "missing" if rule.missing else self.structural
        return "allow" if (call.name in self.listed) == self.is_allowed else self.refusal


def _low_half(argument: Argument) -> int | None:
    """None: it is a pointer, which no rule looks at."""
    return argument & _LOW_HALF if isinstance(argument, int) else None
