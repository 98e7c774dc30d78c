"""What a job's own options may change: limits within the policy's `max`, the network only towards less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, RefusedError, UsageError
from sandbox_cli.plan.words import place
from sandbox_cli.policy import units
from sandbox_cli.policy.model import Limit
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame

_OF_A_SESSION = ("wall_time", "cpu_time", "output")


def apply(policy: Policy, options: Mapping[str, str], network: str | None) -> Policy:
    """`policy` with each `default` at the value that holds for this job, and whom to blame for it in `sources`."""
    limits, sources = dict(policy.limits), dict(policy.sources)
    for name, text in options.items():
        clause = f"limits.{name}"
        limits[name] = Limit(default=_within(policy, name, text), max=limits[name].max)
        sources[clause] = by_option(clause)
    allowed = _network(policy, network)
    return policy.model_copy(update={"limits": limits, "sources": sources, "network": allowed})


def at_most(policy: Policy, options: Mapping[str, str]) -> Policy:
    """`policy` with what a person at a terminal would run into at its maximum, where no option says another value."""
    limits, sources = dict(policy.limits), dict(policy.sources)
    for name in _OF_A_SESSION:
        if name not in options:
            clause = f"limits.{name}"
            limits[name] = Limit(default=limits[name].max, max=limits[name].max)
            sources[clause] = {**blame(policy, f"{clause}.max"), "clause": clause}
    return policy.model_copy(update={"limits": limits, "sources": sources})


def blame(policy: Policy, clause: str) -> Blame:
    """Where `clause` was said, or the nearest clause around it that was; else it is a default."""
    said = clause
    while said not in policy.sources and "." in said:
        said = said.rpartition(".")[0]
    if said in policy.sources:
        return {**policy.sources[said], "clause": clause}
    return {"clause": clause, "source": "default", "file": None, "line": None}


def by_option(clause: str) -> Blame:
    return {"clause": clause, "source": "option", "file": None, "line": None}


def _within(policy: Policy, name: str, text: str) -> float:
    try:
        value = units.parse_limit(name, text)
    except PolicyError as error:
        raise UsageError(error.message, hint=error.hint, blame=by_option(f"limits.{name}")) from None
    most = policy.limits[name].max
    if most is not None and value > most:
        clause, top = f"limits.{name}", units.format_limit(name, most)
        where: Blame = {**blame(policy, f"{clause}.max"), "clause": clause}
        raise RefusedError(
            f"{text} is more than the {top} that policy {policy.name} allows",
            hint=f"ask for {top} or less, or raise `max` in {place(where)}",
            blame=where,
        )
    return value


def _network(policy: Policy, option: str | None) -> str:
    """The network that the job gets. An allow-list can be written, but nothing holds it yet."""
    if option is not None and option not in {"none", "host"}:
        raise UsageError(
            f"--network can't be {quoted(option)}", hint="it is `none` or `host`", blame=by_option("network")
        )
    if option == "none":
        return "none"
    if isinstance(policy.network, dict):
        raise RefusedError(
            f"the allow-list of policy {policy.name} can't be held: that is not built yet",
            hint="run without network (`--network none`), or under a policy that says `network: host`",
            blame=blame(policy, "network"),
        )
    if option == "host" and policy.network == "none":
        raise RefusedError(
            f"policy {policy.name} allows none, and --network can only tighten",
            hint=f"say `network: host` in {place(blame(policy, 'network'))}",
            blame=blame(policy, "network"),
        )
    return policy.network
