"""What the machine's ceiling makes of a policy, clause by clause: for who asks before any job does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import HostError, RefusedError
from sandbox_cli.plan import filesystem, machine
from sandbox_cli.plan.backends import names
from sandbox_cli.plan.ceiling import beyond, bound
from sandbox_cli.plan.limits import blame
from sandbox_cli.policy import order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.config import Config
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame


class Cap(NamedTuple):
    """A clause that says more than the ceiling has: `said` by the policy, `allowed` by the ceiling, which `by` names.

    It is brought down to that, or, where it can't be, `refused` to every job.
    """

    clause: str
    refused: bool
    said: str
    allowed: str
    by: Blame


def capped(policy: Policy, ceilings: Ceilings, config: Config) -> tuple[Policy, list[Cap]]:
    """The policy as far as it can be brought down, and all that the ceiling changes or refuses."""
    if not ceilings.each:
        return policy, []
    bounded = bound(policy, ceilings)
    lowered = [
        Cap(each.clause, False, each.before, each.after, by)
        for each in order.compare(policy, bounded)
        if (by := bounded.sources.get(each.clause)) is not None and by["source"] == "ceiling"
    ]
    return bounded, [*lowered, *_refused(bounded, ceilings, machine.looking(config)(names()[0]))]


def _refused(policy: Policy, ceilings: Ceilings, host: Host) -> Iterator[Cap]:
    try:
        here = policy.model_copy(update={"filesystem": filesystem.effective(policy, host)})
    except (HostError, RefusedError):  # no job gets that far; what the policy asks for can be compared as it stands
        here = policy
    for each in ceilings.each:
        for found in beyond(here, each, host.root_links):
            by: Blame = {**blame(each.bound, found.clause), "clause": found.clause}
            yield Cap(found.clause, True, found.after, found.before, by)
