"""From the name of a syscall to its number, by libseccomp's tables; and which names a policy may list.

libseccomp is loaded only where a policy names single calls, and where a filter is made: that takes 30 ms.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sandbox_cli.errors import HostError
from sandbox_cli.policy import scalars
from sandbox_cli.policy.spelling import hint as spelling_hint
from sandbox_cli.policy.syscall_rules import STRUCTURAL
from sandbox_cli.policy.syscalls import DEFAULT_DENY, DEFAULT_SET, LAUNCHER_NEEDS, NUMBERS, SETS
from sandbox_cli.policy.written import among, matching, written

if TYPE_CHECKING:
    from sandbox_cli.policy.nodes import Scalar

MACHINES = ("x86_64", "aarch64")
_UNKNOWN = -1
_NEVER = frozenset(rule.syscall for rule in STRUCTURAL if not rule.tests and rule.verdict == "refused")


_SET = 'a set of calls, as in "@mount"'
_CALL = matching("a call's name", "[A-Za-z0-9_]+$")


@functools.cache
def libseccomp() -> Any:  # noqa: ANN401 (pyseccomp's types are not strict)
    try:
        import pyseccomp  # type: ignore[import-untyped]
    except (RuntimeError, OSError, AttributeError) as error:
        hint = "install libseccomp (Debian: apt install libseccomp2)"
        raise HostError(f"the syscall filter can't be made: {error}", hint=hint) from None
    return pyseccomp


def number(name: str, machine: str) -> int | None:
    """The number of `name` on `machine`; None where that machine has no such call."""
    found: int = libseccomp().resolve_syscall(architecture(machine), name)
    return found if found >= 0 else NUMBERS.get(name)


def architecture(machine: str) -> int:
    """The kernel's AUDIT_ARCH word."""
    if machine not in MACHINES:
        hint = f"it is made for {' and '.join(MACHINES)}"
        raise HostError(f"there is no syscall filter for {machine} yet", hint=hint)
    word: int = getattr(libseccomp().Arch, machine.upper())
    return word


def exists(name: str) -> bool:
    """Some machine that libseccomp knows has the call: names that only others have are no mistake."""
    found: int = libseccomp().resolve_syscall(libseccomp().Arch.NATIVE, name)
    return found != _UNKNOWN or name in NUMBERS


@written({"anyOf": [among((name for name in SETS if name != DEFAULT_SET), _SET), _CALL]})
def allowed(scalar: Scalar, clause: str) -> str:
    name = listed(scalar, clause)
    if name in _NEVER:
        message = f"{name} can't be allowed: nested namespaces are closed to every job"
        raise scalar.spot.error(message, clause=clause, hint="remove it")
    if name == DEFAULT_SET:
        raise scalar.spot.error(f"{name} is a list of what to deny", clause=clause, hint="name it under `deny`")
    return name


@written(
    {"anyOf": [among((name for name, calls in SETS.items() if not set(LAUNCHER_NEEDS) & set(calls)), _SET), _CALL]}
)
def denied(scalar: Scalar, clause: str) -> str:
    name = listed(scalar, clause)
    if name in LAUNCHER_NEEDS:
        message = f"{name} can't be denied: starting the program takes it"
        raise scalar.spot.error(message, clause=clause, hint=f"always let through: {', '.join(LAUNCHER_NEEDS)}")
    if needed := [each for each in LAUNCHER_NEEDS if each in SETS.get(name, ())]:
        message = f"{name} can't be denied: starting the program takes its {' and '.join(needed)}"
        raise scalar.spot.error(message, clause=clause, hint="list those of its calls that are meant")
    return name


def listed(scalar: Scalar, clause: str) -> str:
    """The name of a call or a set; there must be one."""
    name = scalars.filled(scalar, clause)
    if name.startswith("@"):
        if name not in SETS:
            raise scalar.spot.error(f"there is no syscall set {name!r}", clause=clause, hint=spelling_hint(name, SETS))
    elif name not in DEFAULT_DENY and not (name.isascii() and exists(name)):
        raise scalar.spot.error(f"there is no syscall {name!r}", clause=clause, hint=_hint(name))
    return name


def _hint(name: str) -> str:
    close = spelling_hint(name, all_names())
    return close if close.startswith("did") else "`man 2 syscalls` lists them"


def all_names() -> list[str]:
    names = set(NUMBERS)
    for machine in MACHINES:
        for value in range(600):
            try:
                names.add(libseccomp().resolve_syscall(architecture(machine), value).decode())
            except ValueError:  # a number without a call
                continue
    return sorted(names)
