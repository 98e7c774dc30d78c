"""Rules on `limits` and `require`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.lint.found import Found, at, some, spot_of
from sandbox_cli.policy.requirements import OF_COMPILE, RANK, REQUIRED, nearest, parts
from sandbox_cli.policy.units import LIMITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.model import Limit, Policy
    from sandbox_cli.result import Level

# Without a bound a job has all cores, and `cpu_time` bounds what it takes of them; nothing but a control group could.
_MAY_BE_MISSING = frozenset({"cpus"})


def missing(traced: Traced) -> Iterator[Found]:
    """Those that somebody leaves unbounded, each; those that nobody speaks of, all at once."""
    unsaid: list[str] = []
    for name in LIMITS:
        if name in _MAY_BE_MISSING or traced.policy.limits[name].default is not None:
            continue
        spot = traced.merged.spot("limits", name)
        if spot is None:
            unsaid.append(name)
        else:
            yield at(spot, traced, f"limits.{name}", "not bounded")
    if unsaid:
        yield at(None, traced, "limits", f"not bounded, and no file says so: {some(unsaid, len(unsaid))}")


def without_maximum(traced: Traced) -> Iterator[Found]:
    for clause, limit in _every(traced):
        if limit.default is not None and limit.max is None:
            yield at(spot_of(traced, clause), traced, clause, "bounded by default, and any option can lift it")


def isolation_not_required(traced: Traced) -> Iterator[Found]:
    for key, level in traced.policy.require.items():
        if parts(key)[0] != "limits" and lowered(traced.policy, key, level):
            message = f"{level} is enough, and strict is the default"
            yield at(traced.merged.spot("require", key), traced, f"require.{key}", message)


def limit_not_required(traced: Traced) -> Iterator[Found]:
    for key, level in traced.policy.require.items():
        rows = lowered(traced.policy, key, level) if parts(key)[0] == "limits" else []
        if rows:
            message = f"{level} is enough; the default is {some([f'{REQUIRED[row]} for {row}' for row in rows], 3)}"
            yield at(traced.merged.spot("require", key), traced, f"require.{key}", message)


def _every(traced: Traced) -> Iterator[tuple[str, Limit]]:
    language = traced.policy.language
    for name, limit in traced.policy.limits.items():
        yield f"limits.{name}", limit
    for name, limit in language.compile.limits.items() if language and language.compile else ():
        yield f"{OF_COMPILE}{name}", limit


def lowered(policy: Policy, key: str, level: Level) -> list[str]:
    """The clauses of which `key` of `require` asks less than the default does."""
    rows = [row for row in REQUIRED if nearest(row, policy.require) == key or parts(row) == parts(key)[:1]]
    return [row for row in rows if RANK[level] < RANK[REQUIRED[row]]]
