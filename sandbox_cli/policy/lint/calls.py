"""Rules on `network` and `syscalls`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.lint.found import Found, at, some, spot_of
from sandbox_cli.policy.syscall_rules import STRUCTURAL, STRUCTURAL_OF_A_NETWORK
from sandbox_cli.policy.syscalls import DEFAULT_DENY, SETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.model import Policy

_DANGEROUS = ("@mount", "@debug", "@module", "@raw-io", "@reboot", "@swap", "@clock", "@privileged")
_CLOSED = frozenset(rule.syscall for rule in STRUCTURAL if not rule.tests)  # to every job
_CLOSED_OFFLINE = frozenset(rule.syscall for rule in STRUCTURAL_OF_A_NETWORK if not rule.tests)
# @privileged has calls too that are harmless without privileges, and that @default-deny lets through.
_DANGERS = {name: each for each in reversed(_DANGEROUS) for name in SETS[each] if name in DEFAULT_DENY}


def network_host(traced: Traced) -> Iterator[Found]:
    if traced.policy.network == "host":
        yield at(spot_of(traced, "network"), traced, "network", "the job has the network of the host")


def never_held(traced: Traced) -> Iterator[Found]:
    if isinstance(traced.policy.network, dict):
        message = "an allow-list can be written, but no backend holds one yet"
        yield at(spot_of(traced, "network.allow"), traced, "network.allow", message)


def filter_off(traced: Traced) -> Iterator[Found]:
    if traced.policy.syscalls.deny == ():
        message = "the list of denied calls is empty"
        yield at(spot_of(traced, "syscalls.deny"), traced, "syscalls.deny", message)


def only_logs(traced: Traced) -> Iterator[Found]:
    if traced.policy.syscalls.action == "log":
        message = "what the list denies is logged, and let through"
        yield at(spot_of(traced, "syscalls.action"), traced, "syscalls.action", message)


def dangerous(traced: Traced) -> Iterator[Found]:
    for clause, names in _let_through(traced.policy).items():
        grave = [name for name in names if name in _DANGERS]
        if grave:
            sets = some(sorted({_DANGERS[name] for name in grave}))
            message = f"lets through calls of {sets}: {some(grave)}"
            yield at(spot_of(traced, clause), traced, clause, message)


def beyond_default(traced: Traced) -> Iterator[Found]:
    for clause, names in _let_through(traced.policy).items():
        if not any(name in _DANGERS for name in names):
            message = f"lets through what @default-deny refuses: {some(names)}"
            yield at(spot_of(traced, clause), traced, clause, message)


def _let_through(policy: Policy) -> dict[str, list[str]]:
    """The calls of @default-deny that are let through, whatever their arguments, by the clause that does it."""
    found: dict[str, list[str]] = {}
    syscalls = policy.syscalls
    closed = _CLOSED if policy.network == "host" else _CLOSED | _CLOSED_OFFLINE
    if syscalls.deny == ():
        return found  # a rule of its own tells of it
    listed = _expanded(syscalls.deny if syscalls.allow is None else syscalls.allow)
    for name in DEFAULT_DENY:
        if name in closed:
            continue
        ruled = next((rule.action for rule in syscalls.rules if rule.syscall == name and rule.arg is None), None)
        by_list = name in listed if syscalls.allow is not None else name not in listed
        if ruled in {"allow", "log"}:
            found.setdefault("syscalls.rules", []).append(name)
        elif ruled is None and by_list:
            found.setdefault("syscalls.deny" if syscalls.allow is None else "syscalls.allow", []).append(name)
    return found


def _expanded(names: Sequence[str] | None) -> frozenset[str]:
    return frozenset(each for name in names or () for each in SETS.get(name, (name,)))
