"""`syscalls.rules`: what a policy says of one call and one argument of it, as its files write it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from sandbox_cli.policy import scalars, syscall_names
from sandbox_cli.policy.model import SyscallRule
from sandbox_cli.policy.shape import Leaf, Record
from sandbox_cli.policy.syscall_rules import LOW_HALF, STRUCTURAL, STRUCTURAL_OF_A_NETWORK, WHOLE
from sandbox_cli.policy.syscalls import LAUNCHER_NEEDS
from sandbox_cli.policy.written import among, matching, written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox_cli.policy.nodes import Scalar, Spot
    from sandbox_cli.policy.scalars import Value
    from sandbox_cli.policy.syscall_rules import Rule

ARGUMENTS = 6
EXAMPLE = "{syscall: socket, arg: 0, value: 0x28, action: errno}"
_LETS_THROUGH = ("allow", "log")
_NUMBER = re.compile(r"(?P<decimal>0|[1-9][0-9]*)|0x(?P<hex>[0-9a-fA-F]+)|0o(?P<octal>[0-7]+)")
_PATTERN = "^(0|[1-9][0-9]*|0x[0-9a-fA-F]+|0o[0-7]+)$"
_BASES = {"decimal": 10, "hex": 16, "octal": 8}
_WRITTEN = "write it in decimal, hex (0x28) or octal (0o4000)"


@written(matching("a call's name", "[A-Za-z0-9_]+$"))
def _call(scalar: Scalar, clause: str) -> str:
    name = scalars.filled(scalar, clause)
    if name.startswith("@"):
        hint = "name one call; sets stand under `allow` or `deny`"
        raise scalar.spot.error(f"{name!r} is a set, and a rule is about one call", clause=clause, hint=hint)
    syscall_names.listed(scalar, clause)
    if any(rule.syscall == name and not rule.tests for rule in STRUCTURAL):
        message = f"{name} is refused under every policy: no rule about it is asked"
        raise scalar.spot.error(message, clause=clause, hint="take the rule out")
    return name


@written(among([*range(ARGUMENTS), *map(str, range(ARGUMENTS))]))
def _argument(scalar: Scalar, clause: str) -> int:
    if scalar.text not in tuple("012345"):
        hint = "the first argument is 0, and a call has six at most"
        raise scalar.spot.error(f"{scalar.text!r} is no argument's place, 0 to 5", clause=clause, hint=hint)
    return int(scalar.text)


@written(
    {"title": "a number of 64 bits", "type": ["string", "integer"], "minimum": 0, "maximum": WHOLE, "pattern": _PATTERN}
)
def _number(scalar: Scalar, clause: str) -> int:
    written = scalars.text(scalar, clause)
    found = _NUMBER.fullmatch(written)
    if found is None:
        raise scalar.spot.error(f"{written[:40]!r} is no number", clause=clause, hint=_meant(written))
    kind = cast("str", found.lastgroup)
    value = int(found[kind], _BASES[kind]) if len(written) < 99 else WHOLE + 1
    if value > WHOLE:
        raise scalar.spot.error("the number has more than 64 bits", clause=clause, hint="an argument has 64")
    return value


def _meant(written: str) -> str:
    if re.fullmatch(r"-[1-9][0-9]{0,9}", written) and int(written) >= -(1 << 31):
        return f"the kernel sees {written} as {int(written) & LOW_HALF:#x}: write that"
    if re.fullmatch(r"0[0-7]{1,20}", written):
        return f"write 0o{written.lstrip('0') or '0'} where that is octal"
    return _WRITTEN


ROW = Record(
    {
        "syscall": Leaf(_call),
        "arg": Leaf(_argument),
        "mask": Leaf(_number),
        "value": Leaf(_number),
        "action": Leaf(scalars.choice("errno", "kill", "log", "allow")),
    }
)


def rule(said: Mapping[str, Value], spots: Mapping[str, Spot], spot: Spot, clause: str) -> SyscallRule:
    """One rule, from the values of its keys; `spots` has the places of these."""
    for key in ("syscall", "action"):
        if key not in said:
            raise spot.error(f"a rule needs `{key}`", clause=clause, hint=f"as in {EXAMPLE}")
    for key, other in (("arg", "value"), ("value", "arg"), ("mask", "arg")):
        if key in said and other not in said:
            raise spots[key].error(f"`{key}` says nothing without `{other}`", clause=clause, hint=f"as in {EXAMPLE}")
    made = SyscallRule.model_validate(said)
    _check_bits(made, spots, clause)
    if made.action not in _LETS_THROUGH and made.syscall in LAUNCHER_NEEDS:
        message = f"{made.syscall} can't be refused: starting the program takes it"
        raise spots["syscall"].error(message, clause=clause, hint=f"always let through: {', '.join(LAUNCHER_NEEDS)}")
    if in_vain(made, STRUCTURAL):
        message = f"{made.syscall} with that argument is refused under every policy"
        raise spots["action"].error(message, clause=clause, hint="take the rule out")
    return made


def _check_bits(made: SyscallRule, spots: Mapping[str, Spot], clause: str) -> None:
    if made.mask == 0:
        hint = "leave arg, mask and value out for the call with any arguments"
        raise spots["mask"].error("a mask of 0 looks at nothing", clause=clause, hint=hint)
    if made.mask > LOW_HALF and made.action not in _LETS_THROUGH:
        message = "a rule that refuses looks at the low 32 bits: any garbage above them would get by it"
        raise spots["mask"].error(message, clause=clause, hint="a mask of more is for `allow` and `log`")
    if made.value & ~made.mask:
        wide = made.value > LOW_HALF >= made.mask and made.action in _LETS_THROUGH
        hint = f"write mask: {WHOLE:#x} for an argument of 64 bits" if wide else "take them out of the value"
        message = f"never matches: the value has bits outside of the mask {made.mask:#x}"
        raise spots["value"].error(message, clause=clause, hint=hint)


def in_vain(made: SyscallRule, structural: Sequence[Rule]) -> bool:
    """Whether the rule would let through what is refused before it is asked."""
    if made.action not in _LETS_THROUGH or made.arg is None:
        return False
    arguments = [0] * ARGUMENTS
    arguments[made.arg] = made.value
    return any(each.syscall == made.syscall and each.matches(arguments) for each in structural)


def in_vain_without_a_network(allowed: Sequence[str], written: Sequence[SyscallRule]) -> str | None:
    """The call that these would let through, and that is refused wherever the network is not the host's."""
    closed = {each.syscall for each in STRUCTURAL_OF_A_NETWORK if not each.tests}
    named = [*allowed, *(each.syscall for each in written if each.action in _LETS_THROUGH)]
    vain = [each.syscall for each in written if in_vain(each, STRUCTURAL_OF_A_NETWORK)]
    return next((name for name in (*vain, *named) if name in {*vain, *closed}), None)
