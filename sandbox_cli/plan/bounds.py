"""The machine's ceiling over the policy of a job: numbers are brought down to it, grants beyond it are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.plan.limits import blame
from sandbox_cli.policy.model import Limit
from sandbox_cli.policy.requirements import OF_COMPILE

if TYPE_CHECKING:
    from collections.abc import Container

    from sandbox_cli.policy.ceiling import Ceiling, Ceilings
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame

_NUMBERS = ("max_files", "max_bytes")  # of artifacts


def bound(policy: Policy, ceilings: Ceilings | None, wished: Container[str] = ()) -> Policy:
    """`policy` with every number within the ceiling, which `sources` then names in place of who said more.

    `wished` has the limits whose value the caller chose (`limits.memory`): the ceiling's maximum bounds them alone.
    """
    for ceiling in ceilings.each if ceilings is not None else ():
        policy = _artifacts(_limits(policy, ceiling, wished), ceiling)
    return policy


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
    if not changed:
        return policy
    return policy.model_copy(update={"artifacts": policy.artifacts.model_copy(update=changed), "sources": sources})


def _lower(value: float | None, top: float | None) -> float | None:
    """None is no bound."""
    if value is None or top is None:
        return top if value is None else value
    return min(value, top)


def _blame(ceiling: Ceiling, bound: str, clause: str) -> Blame:
    """`clause` of the policy, which the ceiling bounds by its `bound`."""
    return {**blame(ceiling.bound, bound), "clause": clause}
