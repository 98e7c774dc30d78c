"""The order of `require`: asking less of who holds a clause is looser: a job then also runs where less is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.order.relations import Difference, of_numbers, together
from sandbox_cli.policy.requirements import RANK, REQUIRED, nearest, required

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.result import Level

DEFAULT = "the default"


def differences(before: Mapping[str, Level], after: Mapping[str, Level]) -> Iterator[Difference]:
    """Each key of either side, by the clauses that it is the nearest for."""
    both: dict[str, Level] = {**before, **after}
    held_by: dict[str | None, list[str]] = {}
    for clause in [*REQUIRED, *(key for key in both if key not in REQUIRED and "./" in key)]:
        held_by.setdefault(nearest(clause, both), []).append(clause)
    for key in sorted(both):
        found = together(
            of_numbers(-RANK[required(clause, before)], -RANK[required(clause, after)])
            for clause in held_by.get(key, ())
        )
        yield Difference(f"require.{key}", found, _words(key, before), _words(key, after))


def _words(key: str, require: Mapping[str, Level]) -> str:
    """The level, and which key says it, unless it is this one."""
    said = nearest(key, require)
    if said is None:
        return f"{DEFAULT} ({required(key, require)})" if key in REQUIRED or "./" in key else DEFAULT
    return require[said] if said == key else f"{require[said]} (by {said})"
