"""All weakenings of a plan, by its backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.weakening import of_bwrap, of_filter, of_firejail, of_message, of_nsjail
from tests.weakening.model import Plan, Weakening, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.model import Policy

_OF_BACKEND = {"bwrap": of_bwrap.weakenings, "nsjail": of_nsjail.weakenings, "firejail": of_firejail.weakenings}
_FIRST_FILE = {"bwrap": 0, "nsjail": 1, "firejail": 1}  # data[0] is the config of the others
_NAMES_ON = "bwrap"  # the filter is the launcher's: its names are tried one by one in one kind of jail


def weakenings(plan: Plan, policy: Policy) -> Iterator[Weakening]:
    """Of everything that the plan has the jailer and the launcher do, one element at a time."""
    backend = plan["backend"]
    return unique(_all(plan, policy, backend))


def _all(plan: Plan, policy: Policy, backend: str) -> Iterator[Weakening]:
    yield from _OF_BACKEND[backend](plan)
    yield from of_message.of_data(plan, _FIRST_FILE[backend])
    yield from of_message.weakenings(plan)
    yield from of_filter.weakenings(plan, policy, names=backend == _NAMES_ON)
