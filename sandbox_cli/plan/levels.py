"""How well each clause is held: a table, less what this host and this jailer lack, against what is required."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.host.model import Problem
from sandbox_cli.plan.workspace import is_home
from sandbox_cli.policy.bounds import limit
from sandbox_cli.policy.requirements import OF_COMPILE, RANK, required, table_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox_cli.backends.base import Shortfall
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Level

LIMITS = "limits."


class Row(NamedTuple):
    """A clause at its best: its level, who holds it, and why it is no better."""

    level: Level
    enforcer: str | None
    reason: str | None = None


# The order is the receipt's. What a control group holds better is told by `_grouped`.
TABLE: dict[str, Row] = {
    "filesystem": Row("strict", "mount"),
    "network": Row("strict", "namespace"),
    "syscalls": Row("strict", "seccomp"),
    "privileges": Row("strict", "namespace"),
    "workspace": Row("strict", "mount"),
    "limits.wall_time": Row("strict", "supervisor"),
    "limits.cpu_time": Row("sampled", "sampler", "the kernel has no cap on the CPU seconds of a whole job"),
    "limits.memory": Row("sampled", "sampler", "counted from outside: a job can hide memory between two looks"),
    "limits.processes": Row("strict", "rlimit"),
    "limits.open_files": Row("strict", "rlimit"),
    "limits.file_size": Row("strict", "rlimit"),
    "limits.scratch_size": Row("strict", "mount"),
    "limits.scratch_files": Row("strict", "mount"),
    "limits.tmp_size": Row("strict", "mount"),
    "limits.output": Row("strict", "supervisor"),
    "limits.cpus": Row("none", None, "nothing but a control group bounds cores"),
}

# How well a control group holds what it can.
_GROUPED: dict[str, Level] = {
    "limits.cpu_time": "sampled",
    "limits.memory": "strict",
    "limits.processes": "strict",
    "limits.cpus": "strict",
}

_HOME = "a home is shown: keys, histories and start-up files are in it"

ENFORCER_BELOW: dict[Level, str | None] = {"sampled": "sampler", "process": "rlimit", "none": None}


@dataclass(frozen=True)
class Held:
    """A clause at the level that it gets. `asked` is false where the policy leaves it open: nothing has to hold it."""

    clause: str
    level: Level
    enforcer: str | None
    asked: bool = True
    reason: str | None = None  # why it is not strict
    fix: str | None = None
    lowered: bool = False  # by --best-effort


def levels(policy: Policy, host: Host, shortfalls: Iterable[Shortfall]) -> list[Held]:
    """Every clause of `policy` in the receipt's order; a mount that falls short has a line of its own."""
    held = {
        clause: _best(clause, policy, host) for clause in TABLE if clause != "workspace" or policy.directory is not None
    }
    step = policy.language.compile if policy.language else None
    for name in step.limits if step else ():
        clause = f"{OF_COMPILE}{name}"
        held[clause] = replace(_best(clause, policy, host), clause=clause)
    for shortfall in shortfalls:
        clause = shortfall["clause"]
        whole = held.get(clause) or replace(held[table_key(clause)], clause=clause)
        held[clause] = _lower(whole, shortfall)
        if (compiling := clause.replace(LIMITS, OF_COMPILE)) != clause and compiling in held:
            held[compiling] = _lower(held[compiling], shortfall)
    order = list(TABLE)
    return sorted(held.values(), key=lambda each: order.index(table_key(each.clause)))  # stable: parents come first


def told(held: Sequence[Held]) -> list[Held]:
    """`held` as a receipt tells it: no clause is better than the worst of its parts, each of which has its own line."""
    return [_with_parts(each, [part for part in held if part.clause.startswith(f"{each.clause}./")]) for each in held]


def _with_parts(whole: Held, parts: Sequence[Held]) -> Held:
    worst = min((whole, *parts), key=lambda each: RANK[each.level])
    if worst is whole:
        return whole
    names = ", ".join(f"{part.clause} ({part.level})" for part in parts)
    return replace(whole, level=worst.level, reason=f"{whole.level} but for {names}", fix=worst.fix)


def below(held: Iterable[Held], require: Mapping[str, Level]) -> list[Held]:
    """The clauses that don't reach what is required of them."""
    return [each for each in held if each.asked and RANK[each.level] < RANK[required(each.clause, require)]]


def lower(held: Sequence[Held], gaps: Iterable[Held]) -> list[Held]:
    """`--best-effort`: marks those of `gaps` that are limits; nothing but a limit can be lowered."""
    names = {each.clause for each in gaps if is_limit(each.clause)}
    return [replace(each, lowered=True) if each.clause in names else each for each in held]


def is_limit(clause: str) -> bool:
    return clause.startswith((LIMITS, OF_COMPILE))


def _best(clause: str, policy: Policy, host: Host) -> Held:
    if not _asked(clause, policy):
        return Held(clause, "none", None, asked=False)
    clause = table_key(clause)
    row = TABLE[clause]
    if clause == "syscalls" and policy.syscalls.action == "log":
        return Held(clause, "none", row.enforcer, asked=False, reason="the policy only logs what it would deny")
    if (held := _grouped(clause, host)) is not None:
        return held
    if clause == "limits.processes" and not host.nproc_in_namespace:
        why = "RLIMIT_NPROC counts all processes of the account here, not the jail's alone"
        return Held(clause, "sampled", "sampler", reason=why, fix="use Linux 5.14 or later")
    if _GROUPED.get(clause) == "strict" and row.level != "strict" and isinstance(host.groups, Problem):
        return Held(clause, row.level, row.enforcer, reason=f"{row.reason}; {host.groups.reason}", fix=host.groups.fix)
    shows_home = clause == "workspace" and policy.directory is not None and is_home(policy.directory, host)
    return Held(clause, row.level, row.enforcer, reason=_HOME if shows_home else row.reason)


def _grouped(clause: str, host: Host) -> Held | None:
    """What a control group of this host holds; None: nothing of the clause."""
    groups = host.groups
    if isinstance(groups, Problem) or clause.removeprefix(LIMITS) not in groups.holds:
        return None
    level, reason = _GROUPED[clause], TABLE[clause].reason if clause == "limits.cpu_time" else None
    return Held(clause, level, groups.enforcer, reason=reason)


def _asked(clause: str, policy: Policy) -> bool:
    if clause == "network":
        return policy.network != "host"
    if is_limit(clause):
        bounds = limit(policy, clause)
        return bounds is not None and bounds.default is not None
    return True


def _lower(held: Held, shortfall: Shortfall) -> Held:
    level = shortfall["level"]
    if not held.asked or RANK[level] >= RANK[held.level]:
        return held
    enforcer = ENFORCER_BELOW[level]
    return replace(held, level=level, enforcer=enforcer, reason=shortfall["reason"], fix=shortfall["fix"])
