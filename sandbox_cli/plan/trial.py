"""Whether a jailer really works here: told by a tiny jail, once in the life of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli import policy as policies
from sandbox_cli.backends import BACKENDS
from sandbox_cli.host.trial import try_jailer
from sandbox_cli.plan import assemble, choose, settle
from sandbox_cli.plan.request import Request

if TYPE_CHECKING:
    from sandbox_cli.host.model import Host, Problem
    from sandbox_cli.plan.choose import Starts
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.policy.config import Config

POLICY = "_base"
_tried: dict[tuple[str, int], Problem | None] = {}  # by jailer and account: neither changes while we run


def trying(config: Config) -> Starts:
    """The function that tries a jailer when it is first asked about it, and then remembers."""

    def starts(host: Host, backend: str) -> Problem | None:
        key = (host.jailers[backend].program, host.uid)
        if key not in _tried:
            _tried[key] = try_jailer(tiny_plan(host, backend, config), set_uid=BACKENDS[backend].SET_UID)
        return _tried[key]

    return starts


def tiny_plan(host: Host, backend: str, config: Config) -> Plan:
    """`true` in a jail that is made as every other one; what it can hold is judged for each job by itself."""
    settled = settle.settle({"command": ["true"]}, Request(policies.load(POLICY), None), host)
    candidate = choose.weigh(backend, settled.reachable, host)
    choice = choose.Choice(backend, host, host.jailers[backend], candidate.held, "to try it")
    return assemble.plan(settled, choice, config.uid_range)
