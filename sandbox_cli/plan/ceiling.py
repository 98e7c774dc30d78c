"""The machine's ceiling over the policy of a job: numbers are brought down to it, grants beyond it are refused."""

from __future__ import annotations

import os
import textwrap
from typing import TYPE_CHECKING

from sandbox_cli.errors import RefusedError
from sandbox_cli.plan import limits
from sandbox_cli.plan.limits import blame
from sandbox_cli.plan.words import listed, place
from sandbox_cli.policy.model import Limit
from sandbox_cli.policy.mounts import covering
from sandbox_cli.policy.requirements import OF_COMPILE, RANK, REQUIRED, nearest, required

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from sandbox_cli.policy.ceiling import Ceiling, Ceilings
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.policy.order import Difference
    from sandbox_cli.result import Blame, Level

_NUMBERS = ("max_files", "max_bytes")  # of artifacts
_COUNTED = ("limits.", *(f"artifacts.{name}" for name in _NUMBERS))
_LONGEST = 200  # of what a clause says: the files have the whole of it


def bound(policy: Policy, ceilings: Ceilings, wished: Container[str] = ()) -> Policy:
    """`policy` with all that can be brought down: numbers, what is required where it is silent, what -C may be.

    `sources` then names the ceiling in place of who said more. `wished` has the limits whose value the caller chose
    (`limits.memory`): the ceiling's maximum bounds them alone.
    """
    silent = policy.require
    for ceiling in ceilings.each:
        policy = _artifacts(_limits(policy, ceiling, wished), ceiling)
        policy = _workspace(_requirements(policy, ceiling, silent), ceiling)
    return policy


def refuse(
    policy: Policy, ceilings: Ceilings, *, written: Policy, links: Mapping[str, str], chosen: Container[str] = ()
) -> None:
    """Raises RefusedError for what `policy`, brought to this host, grants beyond the ceiling.

    `written` is what its files and options say, `links` are the host's own at the top, and `chosen` are the clauses
    that an option of the job asks for.
    """
    for ceiling in ceilings.each:
        if found := beyond(policy, ceiling, links):
            raise _refusal(found, ceiling, written, chosen)


def beyond(policy: Policy, ceiling: Ceiling, links: Mapping[str, str]) -> list[Difference]:
    """The grants of `policy` that the ceiling doesn't have, of the clauses that it names."""
    from sandbox_cli.plan import reach  # only where there is a ceiling
    from sandbox_cli.policy import order

    named = frozenset(clause for clause in ceiling.named if not clause.startswith(_COUNTED))
    allowed = ceiling.bound
    if "filesystem" in named:
        mounts = reach.of_ceiling(allowed.filesystem, links)
        allowed = allowed.model_copy(update={"filesystem": mounts})
        policy = policy.model_copy(update={"filesystem": reach.of_job(policy.filesystem, mounts)})
    return order.within(policy, allowed, named)


def least(clause: str, ceilings: Ceilings) -> tuple[Level, Blame | None]:
    """How well the ceiling wants a clause held whatever else is accepted, and who says so; `none`: nobody does."""
    clause = clause.replace(OF_COMPILE, "limits.")
    most: tuple[Level, Blame | None] = ("none", None)
    for ceiling in ceilings.each:
        key = nearest(clause, ceiling.bound.require)
        if key is not None and RANK[level := ceiling.bound.require[key]] > RANK[most[0]]:
            most = level, _blame(ceiling, f"require.{key}", clause)
    return most


def _limits(policy: Policy, ceiling: Ceiling, wished: Container[str]) -> Policy:
    sources = dict(policy.sources)

    def within(clause: str, limit: Limit) -> Limit:
        name = clause.rpartition(".")[2]
        if f"limits.{name}" not in ceiling.named:
            return limit
        top = ceiling.bound.limits[name]
        default = _lower(limit.default, top.max if clause in wished else _lower(top.default, top.max))
        most = _lower(limit.max, top.max)
        for said, before, after in ((clause, limit.default, default), (f"{clause}.max", limit.max, most)):
            if before != after:
                sources[said] = _blame(ceiling, f"limits.{name}", said)
        return Limit(default=default, max=most)

    limits = {name: within(f"limits.{name}", limit) for name, limit in policy.limits.items()}
    language = policy.language
    if language is not None and language.compile is not None:
        own = {name: within(f"{OF_COMPILE}{name}", limit) for name, limit in language.compile.limits.items()}
        language = language.model_copy(update={"compile": language.compile.model_copy(update={"limits": own})})
    return policy.model_copy(update={"limits": limits, "language": language, "sources": sources})


def _artifacts(policy: Policy, ceiling: Ceiling) -> Policy:
    changed: dict[str, int] = {}
    sources = dict(policy.sources)
    for name in _NUMBERS:
        clause = f"artifacts.{name}"
        top: int = getattr(ceiling.bound.artifacts, name)
        if clause in ceiling.named and getattr(policy.artifacts, name) > top:
            changed[name] = top
            sources[clause] = _blame(ceiling, clause, clause)
    artifacts = policy.artifacts.model_copy(update=changed)
    return policy.model_copy(update={"artifacts": artifacts, "sources": sources})


def _requirements(policy: Policy, ceiling: Ceiling, said: Mapping[str, Level]) -> Policy:
    """What the policy is silent about is required as the ceiling says: silence asks for no less. `said` is its own."""
    require, sources = dict(policy.require), dict(policy.sources)
    for clause in REQUIRED:
        key = nearest(clause, ceiling.bound.require)
        if key is None or nearest(clause, said) is not None:
            continue
        level = ceiling.bound.require[key]
        if RANK[level] > RANK[required(clause, require)]:
            require[clause] = level
            sources[f"require.{clause}"] = _blame(ceiling, f"require.{key}", f"require.{clause}")
    return policy.model_copy(update={"require": require, "sources": sources})


def _workspace(policy: Policy, ceiling: Ceiling) -> Policy:
    """What -C may be; a job that brings a directory is asked about what it brings."""
    from sandbox_cli.policy import order

    if not order.within(policy, ceiling.bound, ceiling.named & {"workspace"}):
        return policy
    sources = {**policy.sources, "workspace": _blame(ceiling, "workspace", "workspace")}
    return policy.model_copy(update={"workspace": ceiling.bound.workspace, "sources": sources})


def _lower(value: float | None, top: float | None) -> float | None:
    """None is no bound."""
    if value is None or top is None:
        return top if value is None else value
    return min(value, top)


def _blame(ceiling: Ceiling, bound: str, clause: str) -> Blame:
    """`clause` of the policy, which the ceiling bounds by its `bound`."""
    return {**blame(ceiling.bound, bound), "clause": clause}


def _refusal(found: Sequence[Difference], ceiling: Ceiling, written: Policy, chosen: Container[str]) -> RefusedError:
    """The first of them, with both lines; the names of the others."""
    first = found[0]
    top = _blame(ceiling, first.clause, first.clause)
    who, said = _asking(first.clause, written, chosen)
    others = f"; also beyond it: {listed([each.clause for each in found[1:]])}" if found[1:] else ""
    allowed = first.before.replace(" optional", "")  # which every mount of a ceiling is
    message = f"{who} {_short(first.after)}{_line(said)}, and the ceiling allows {_short(allowed)}{_line(top)}"
    how = "ask for less" if said["source"] == "option" else f"say less in {place(said)}"
    if first.clause == "network":
        how = f"{how}, add --network none"
    hint = f"{how}, or have whoever keeps the ceiling allow more"
    return RefusedError(message + others, hint=hint, blame=top)


def _asking(clause: str, written: Policy, chosen: Container[str]) -> tuple[str, Blame]:
    """Who grants it. A mount that no line writes is there for the runtime's sake."""
    path = clause.removeprefix("filesystem.")
    above = _written(path, written) if path != clause else None
    if path != clause and above is None:
        return f"the runtime of policy {written.name} needs", blame(written, "language.runtime")
    said = blame(written, clause if above is None else f"filesystem.{above}")
    if clause in chosen or said["source"] == "option":
        return "an option asks for", limits.by_option(clause)
    return f"policy {written.name} says", said


def _written(path: str, policy: Policy) -> str | None:
    """The mount of the policy that `path` lies in: by its name, else by what is behind its links."""
    real = {os.path.realpath(each): each for each in policy.filesystem}
    return covering(path, policy.filesystem) or real.get(covering(os.path.realpath(path), real) or "")


def _line(said: Blame) -> str:
    if said["file"] is None:
        return ""
    return f" ({said['file']}:{said['line']})" if said["line"] is not None else f" ({said['file']})"


def _short(text: str) -> str:
    return textwrap.shorten(text, _LONGEST, placeholder=" ...")
