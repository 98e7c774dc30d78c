"""Which backend runs the job: the first that is here, starts here and holds every clause as well as is required."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.backends import BACKENDS
from sandbox_cli.errors import HostError, PolicyError, RefusedError, UsageError
from sandbox_cli.host import how_to_get
from sandbox_cli.plan import ceiling, levels
from sandbox_cli.plan.limits import blame
from sandbox_cli.plan.words import listed, place
from sandbox_cli.policy import requirements
from sandbox_cli.policy.ceiling import NO_CEILING
from sandbox_cli.policy.requirements import RANK
from sandbox_cli.policy.spelling import hint
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox_cli.host.model import Host, Jailer, Problem
    from sandbox_cli.plan.levels import Held
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.config import Config
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame, Gap

    Look = Callable[[str], Host]  # the facts of this machine, with the jailer of one backend
    Starts = Callable[[Host, str], Problem | None]  # tries a tiny jail: why it can't be made, or None

VARIABLE = "SANDBOX_BACKEND"
JAILER = "jailer"  # the clause of a gap that no policy can close: the program is missing, too old, or doesn't start


class Order(NamedTuple):
    """The backends that may serve, the preferred one first, and who says so. `one`: it was named, no other will do."""

    names: Sequence[str]
    source: str
    one: bool


@dataclass(frozen=True)
class Candidate:
    """A backend weighed against a policy on this host: how well it holds each clause, and what it doesn't reach.

    `blame` is what the policy says of the first of the clauses that it doesn't; `lowered` what it doesn't reach either,
    and `--best-effort` accepts.
    """

    backend: str
    host: Host
    held: Sequence[Held]
    gaps: Sequence[Gap]
    jailer: Jailer | None
    blame: Blame | None = None
    lowered: Sequence[Gap] = ()


@dataclass(frozen=True)
class Choice:
    """The backend, its jailer and host, the level of each clause, in words why this one, what was lowered for it."""

    backend: str
    host: Host
    jailer: Jailer
    held: Sequence[Held]
    chosen: str
    lowered: Sequence[Gap] = ()


def order(option: str | None, environ: Mapping[str, str], config: Config) -> Order:
    """`--backend`, else SANDBOX_BACKEND, else the configured order, else the default one."""
    for name, source in ((option, "--backend"), (environ.get(VARIABLE) or None, VARIABLE)):
        if name is not None:
            if name not in BACKENDS:
                raise UsageError(f"{source}: there is no backend {quoted(name)}", hint=hint(name, BACKENDS))
            return Order([name], source, one=True)
    said = config.sources.get("backends")
    if said is None or not config.backends:
        return Order(tuple(BACKENDS), "the default order", one=False)
    for name in config.backends:
        if name not in BACKENDS:
            raise PolicyError(
                f"there is no backend {name!r}",
                hint=hint(name, BACKENDS), file=said["file"], line=said["line"], clause="backends",
            )  # fmt: skip
    return Order(config.backends, "the configured order", one=False)


def choose(
    policy: Policy,
    preferred: Order,
    look: Look,
    starts: Starts,
    *,
    best_effort: bool = False,
    ceilings: Ceilings = NO_CEILING,
) -> Choice:
    """The first backend of `preferred` that serves. Raises HostError where none is installed, RefusedError else."""
    passed: list[Candidate] = []
    for name in preferred.names:
        candidate = weigh(name, policy, look(name), best_effort=best_effort, ceilings=ceilings)
        if not candidate.gaps and (problem := starts(candidate.host, name)) is not None:
            candidate = _gap(candidate, problem.reason, problem.fix)
        if not candidate.gaps and candidate.jailer is not None:
            chosen = _chosen(preferred, passed)
            return Choice(name, candidate.host, candidate.jailer, candidate.held, chosen, candidate.lowered)
        passed.append(candidate)
    raise _refusal(policy, preferred, passed)


def weigh(
    name: str, policy: Policy, host: Host, *, best_effort: bool = False, ceilings: Ceilings = NO_CEILING
) -> Candidate:
    """What `name` could do for `policy` here, as far as that can be told without trying it."""
    backend = BACKENDS[name]
    jailer = host.jailers.get(name)
    if jailer is None:
        return _gap(Candidate(name, host, [], [], None), f"{name} is not installed", how_to_get(backend))
    if jailer.problem is not None:
        return _gap(Candidate(name, host, [], [], jailer), jailer.problem, jailer.fix)
    held = levels.levels(policy, host, backend.gaps(policy, host))
    short = levels.below(held, policy.require)
    lowered: list[Gap] = []
    if best_effort:
        held = levels.lower(held, [each for each in short if _kept(each, ceilings) is None])
        lowered = [_shortfall(name, policy, each) for each in held if each.lowered]
        short = [each for each in short if not levels.is_limit(each.clause) or _kept(each, ceilings) is not None]
    gaps = [_shortfall(name, policy, each, _kept(each, ceilings) if best_effort else None) for each in short]
    return Candidate(name, host, held, gaps, jailer, _blame(policy, short[0]) if short else None, lowered)


def _blame(policy: Policy, held: Held) -> Blame:
    """Who requires more than is held; where nobody said so, who asked for the clause."""
    key = requirements.nearest(held.clause, policy.require)
    return blame(policy, held.clause if key is None else f"require.{key}")


def _kept(held: Held, ceilings: Ceilings) -> Blame | None:
    """Which line of the ceiling keeps --best-effort from lowering the clause so far."""
    level, said = ceiling.least(held.clause, ceilings)
    return said if RANK[held.level] < RANK[level] else None


def _shortfall(backend: str, policy: Policy, held: Held, kept: Blame | None = None) -> Gap:
    key = requirements.nearest(held.clause, policy.require)
    least = requirements.required(held.clause, policy.require)
    said = f" ({place(_blame(policy, held))})" if key is not None else ""
    why = f": {held.reason}" if held.reason else ""
    why += f"; --best-effort can't lower it below {place(kept)}" if kept is not None else ""
    return {
        "backend": backend,
        "clause": held.clause,
        "reason": f"{least} is required{said}, it would be {held.level}{why}",
        "fix": held.fix or _less(policy, held),
    }


def _less(policy: Policy, held: Held) -> str:
    """How to do with less."""
    said = _blame(policy, held)
    if said["source"] == "ceiling":
        return f"have whoever keeps the ceiling require less ({place(said)})"
    return _accept(held) if held.lowered else fix(held)


def fix(held: Held) -> str:
    """What would make the clause strict; where nothing on this host does, how to do with less."""
    if held.fix is not None:
        return held.fix
    return _accept(held) + (", or for one run --best-effort" if levels.is_limit(held.clause) else "")


def _accept(held: Held) -> str:
    return f"accept less in the policy: `require: {{{held.clause}: {held.level}}}`"


def _gap(candidate: Candidate, reason: str, fix: str | None) -> Candidate:
    gap: Gap = {"backend": candidate.backend, "clause": JAILER, "reason": reason, "fix": fix}
    return Candidate(candidate.backend, candidate.host, candidate.held, [gap], candidate.jailer)


def _chosen(preferred: Order, passed: Sequence[Candidate]) -> str:
    """ "from --backend"; "first of the default order (bwrap, nsjail)"; with why those before it were passed over."""
    if preferred.one:
        return f"from {preferred.source}"
    why = [f"{each.backend}: {short(each.gaps[0])}" for each in passed]
    if not why:
        return f"first of {preferred.source} ({', '.join(preferred.names)})"
    return "; ".join([f"first of {preferred.source} ({', '.join(preferred.names)}) that serves", *why])


def short(gap: Gap) -> str:
    return gap["reason"] if gap["clause"] == JAILER else f"{gap['clause']}: {gap['reason']}"


def _refusal(policy: Policy, preferred: Order, passed: Sequence[Candidate]) -> HostError | RefusedError:
    """One sentence; each gap's reason and fix stand beside it."""
    gaps = [gap for each in passed for gap in each.gaps]
    first = next((gap["fix"] for gap in gaps if gap["fix"]), None)
    said = next((each.blame for each in passed if each.blame), None)
    if all(each.jailer is None for each in passed):
        names = listed([each.backend for each in passed], last="or")
        if preferred.one:
            return HostError(f"{names}, which {preferred.source} names, is not installed", hint=first, gaps=gaps)
        message = f"no jailer of {preferred.source} is installed: {names} is needed"
        return HostError(message, hint=first, gaps=gaps)
    short = listed(list(dict.fromkeys(gap["clause"] for gap in gaps if gap["clause"] != JAILER)))
    if preferred.one:
        message = f"{gaps[0]['backend']} can't hold "
        message += (
            f"{short} here as policy {policy.name} requires" if short else "any policy here: " + gaps[0]["reason"]
        )
    elif short:
        message = f"no jailer can hold {short} here as policy {policy.name} requires"
    else:
        message = f"no jailer of {preferred.source} can be used here"
    return RefusedError(message, hint=first, gaps=gaps, blame=said)
