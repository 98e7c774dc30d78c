"""What a job's own options may change: limits within the policy's `max`, the network only towards less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, RefusedError, UsageError
from sandbox_cli.plan.words import place
from sandbox_cli.policy import units
from sandbox_cli.policy.model import Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame


def apply(policy: Policy, options: Mapping[str, str], network: str | None) -> Policy:
    """`policy` with each `default` at the value that holds for this job, and whom to blame for it in `sources`."""
    limits, sources = dict(policy.limits), dict(policy.sources)
    for name, text in options.items():
        clause = f"limits.{name}"
        limits[name] = Limit(default=_within(policy, name, text), max=limits[name].max)
        sources[clause] = {"clause": clause, "source": "option", "file": None, "line": None}
    allowed = _network(policy, network)
    return policy.model_copy(update={"limits": limits, "sources": sources, "network": allowed})


def blame(policy: Policy, clause: str) -> Blame:
    """Where `clause` was said, or the nearest clause around it that was; else it is a default."""
    said = clause
    while said not in policy.sources and "." in said:
        said = said.rpartition(".")[0]
    if said in policy.sources:
        return {**policy.sources[said], "clause": clause}
    return {"clause": clause, "source": "default", "file": None, "line": None}


def _within(policy: Policy, name: str, text: str) -> float:
    try:
        value = units.parse_limit(name, text)
    except PolicyError as error:
        raise UsageError(f"--limit {name}={text}: {error.message}", hint=error.hint) from None
    most = policy.limits[name].max
    if most is not None and value > most:
        where = policy.sources.get(f"limits.{name}.max") or blame(policy, f"limits.{name}")
        raise RefusedError(
            f"limits.{name}: {text} is more than the {units.format_limit(name, most)} that policy {policy.name} allows",
            hint=f"ask for {units.format_limit(name, most)} or less, or raise `max` in {place(where)}",
        )
    return value


def _network(policy: Policy, option: str | None) -> str:
    """The network that the job gets. An allow-list can be written, but nothing holds it yet."""
    if option not in {None, "none", "host"}:
        raise UsageError(f"--network can't be {option!r}", hint="it is `none` or `host`")
    if option == "none":
        return "none"
    if isinstance(policy.network, dict):
        raise RefusedError(
            f"network: the allow-list of policy {policy.name} can't be held: that is not built yet",
            hint="run without network (`--network none`), or under a policy that says `network: host`",
        )
    if option == "host" and policy.network == "none":
        raise RefusedError(
            f"network: policy {policy.name} allows none, and --network can only tighten",
            hint=f"say `network: host` in {place(blame(policy, 'network'))}",
        )
    return policy.network
