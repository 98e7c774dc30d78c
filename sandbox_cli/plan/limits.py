"""What a job's own options may change: limits within the policy's `max`, the network only towards less."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, RefusedError, UsageError
from sandbox_cli.plan.words import place
from sandbox_cli.policy import units
from sandbox_cli.policy.bounds import limit
from sandbox_cli.policy.model import Limit
from sandbox_cli.policy.requirements import OF_COMPILE
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame

COMPILE = "compile."  # `--limit compile.memory=2GiB`
_OF_A_SESSION = ("wall_time", "cpu_time", "output")


def apply(policy: Policy, options: Mapping[str, str], network: str | None) -> Policy:
    """`policy` with each `default` at the value that holds for this job, and whom to blame for it in `sources`."""
    limits, sources, language = dict(policy.limits), dict(policy.sources), policy.language
    compiling = dict(language.compile.limits) if language and language.compile else {}
    for option, text in options.items():
        name = option.removeprefix(COMPILE)
        within, clause = (compiling, f"{OF_COMPILE}{name}") if name != option else (limits, f"limits.{name}")
        if name != option and name not in compiling:
            raise _no_such_limit(policy, option, compiling)
        within[name] = Limit(default=_within(policy, clause, name, text), max=within[name].max)
        sources[clause] = by_option(clause)
    if language and language.compile:
        step = language.compile.model_copy(update={"limits": compiling})
        language = language.model_copy(update={"compile": step})
    allowed = _network(policy, network)
    changed = {"limits": limits, "sources": sources, "network": allowed, "language": language}
    return policy.model_copy(update=changed)


def at_most(policy: Policy, options: Mapping[str, str]) -> Policy:
    """`policy` with what a person at a terminal would run into at its maximum, where no option says another value."""
    limits, sources = dict(policy.limits), dict(policy.sources)
    for name in _OF_A_SESSION:
        if name not in options:
            clause = f"limits.{name}"
            limits[name] = Limit(default=limits[name].max, max=limits[name].max)
            sources[clause] = {**blame(policy, f"{clause}.max"), "clause": clause}
    return policy.model_copy(update={"limits": limits, "sources": sources})


def wished(options: Mapping[str, str], *, terminal: bool) -> frozenset[str]:
    """The clauses of limits whose value the caller chose: by an option, or by working at a terminal."""
    compiling = {f"{OF_COMPILE}{name.removeprefix(COMPILE)}" for name in options if name.startswith(COMPILE)}
    chosen = {f"limits.{name}" for name in options if not name.startswith(COMPILE)}
    return frozenset(chosen | compiling | ({f"limits.{name}" for name in _OF_A_SESSION} if terminal else set()))


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


def _no_such_limit(policy: Policy, option: str, compiling: Mapping[str, Limit]) -> UsageError:
    if policy.language is None or policy.language.compile is None:
        message = f"--limit {quoted(option)}: policy {policy.name} compiles nothing"
        return UsageError(message, hint=f"leave `{COMPILE}` out")
    names = ", ".join(f"{COMPILE}{name}" for name in compiling) or "none"
    hint = f"those of its own are: {names}; all others are the job's"
    return UsageError(f"--limit {quoted(option)}: the compile step has no such limit of its own", hint=hint)


def _within(policy: Policy, clause: str, name: str, text: str) -> float:
    try:
        value = units.parse_limit(name, text)
    except PolicyError as error:
        raise UsageError(error.message, hint=error.hint, blame=by_option(clause)) from None
    bounds = limit(policy, clause)
    most = bounds.max if bounds is not None else None
    if most is not None and value > most:
        top = units.format_limit(name, most)
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
