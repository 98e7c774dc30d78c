"""Policies examined: by the rules over their text, and by those that ask what this machine makes of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.backends import BACKENDS
from sandbox_cli.errors import PolicyError, SandboxError
from sandbox_cli.plan import choose, filesystem, view
from sandbox_cli.plan.ceiling import beyond, bound
from sandbox_cli.policy import trace
from sandbox_cli.policy.ceiling import NO_CEILING
from sandbox_cli.policy.lint import checks, limits, paths, silence
from sandbox_cli.policy.lint.found import Finding, Found, at, spot_of
from sandbox_cli.policy.lint.mounts import at_later, host_mounts, named
from sandbox_cli.policy.requirements import RANK, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.choose import Candidate, Look
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.lint.silence import Silenced
    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.policy.nodes import Spot


class Checked(NamedTuple):
    """What was found in several policies, each finding once, and what their files silence."""

    findings: list[Finding]
    silenced: list[Silenced]


def examine(names: Sequence[str], look: Look, ceilings: Ceilings = NO_CEILING) -> Checked:
    """Check policies, by name or path. PolicyError where there is none of a name; what is wrong with one is found."""
    findings: list[Finding] = []
    silenced: list[Silenced] = []
    for name in names:
        try:
            traced = trace(name)
        except PolicyError as error:
            if error.file is None:
                raise
            findings.append(checks.invalid(name, error))
            continue
        found = [*checks.check(name, traced), *_here(name, traced, look, ceilings)]
        kept, passed = silence.apply(name, traced.layers, found)
        findings += kept
        silenced += passed
    return Checked(_each_once(findings), _silenced_once(silenced))


def _each_once(findings: Sequence[Finding]) -> list[Finding]:
    """What several policies inherit is told once, of the first of them; by file and line."""
    first: dict[tuple[object, ...], Finding] = {}
    for finding in findings:
        first.setdefault(finding[1:], finding)
    return sorted(first.values(), key=_order)


def _silenced_once(silenced: Sequence[Silenced]) -> list[Silenced]:
    first: dict[tuple[object, ...], Silenced] = {}
    for each in silenced:
        first.setdefault(each.finding[1:], each)
    return sorted(first.values(), key=lambda each: _order(each.finding))


def _order(finding: Finding) -> tuple[str, int, int, str]:
    return finding.file or "", finding.line or 0, finding.column or 0, finding.rule


def _here(name: str, traced: Traced, look: Look, ceilings: Ceilings) -> Iterator[Finding]:
    host = look(next(iter(BACKENDS)))
    for found in _homes(traced, host):
        yield checks.finding(name, "home-visible", found)
    for rule, found in _linked(traced):
        yield checks.finding(name, rule, found)
    for found in _hidden(traced, host):
        yield checks.finding(name, "mount-hidden", found)
    try:
        mounts = filesystem.effective(traced.policy, host)
    except SandboxError as error:
        yield checks.finding(name, "mount-refused-here", _refused(traced, error))
        return
    brought = traced.policy.model_copy(update={"filesystem": mounts})
    for found in _beyond(traced, brought, host, ceilings):
        yield checks.finding(name, "beyond-ceiling-here", found)
    weighed = _weigh(brought, look)
    for found in _not_held(traced, weighed):
        yield checks.finding(name, "not-held-here", found)
    for found in _below_host(traced, brought, weighed):
        yield checks.finding(name, "requirement-below-host", found)


def _weigh(policy: Policy, look: Look) -> list[Candidate]:
    """The jailers that can be used here; that there is none is the doctor's to tell, and no policy's mistake."""
    candidates = [choose.weigh(backend, policy, look(backend)) for backend in BACKENDS]
    return [each for each in candidates if each.jailer is not None and each.jailer.problem is None]


def _homes(traced: Traced, host: Host) -> Iterator[Found]:
    """The home of who checks, where that is at no usual place."""
    for path, _, source in host_mounts(traced):
        if paths.kind(source) is None and paths.holds_home(source, host.home):
            message = f"{named(path, source)} can be read: the home {host.home} is there"
            yield at(traced.merged.spot("filesystem", path), traced, f"filesystem.{path}", message)


def _linked(traced: Traced) -> Iterator[tuple[str, Found]]:
    """What a source is by a link of this machine: a mount of it shows what that leads to."""
    for path, _, source in host_mounts(traced):
        target = os.path.realpath(source)
        kind = paths.kind(target) if paths.kind(source) is None else None
        if kind is not None:
            message = f"{named(path, source)} leads to {target} here: {kind.what}"
            yield kind.rule, at(traced.merged.spot("filesystem", path), traced, f"filesystem.{path}", message)


def _hidden(traced: Traced, host: Host) -> Iterator[Found]:
    """Where /bin is a link to usr/bin, /bin/x and /usr/bin/x are one place, and the last one takes it."""
    standing: dict[str, str] = {}
    for path in traced.policy.filesystem:
        place = view.through(path, host.root_links)
        if place in standing:
            message = f"{standing[place]} is never seen: here it is the same place as {path}"
            yield at_later(traced, standing[place], path, message)
        standing[place] = path


def _refused(traced: Traced, error: SandboxError) -> Found:
    clause = error.blame["clause"] if error.blame else "filesystem"
    return at(spot_of(traced, clause), traced, clause, error.message, error.hint)


def _beyond(traced: Traced, brought: Policy, host: Host, ceilings: Ceilings) -> Iterator[Found]:
    """What the ceiling refuses; the numbers that it brings down are in each receipt."""
    for each in ceilings.each:
        for said in beyond(bound(brought, ceilings), each, host.root_links):
            message = f"{each.file} allows {said.before}, and this is {said.after}"
            yield at(spot_of(traced, said.clause), traced, said.clause, message)


def _not_held(traced: Traced, weighed: Sequence[Candidate]) -> Iterator[Found]:
    """The clauses that no jailer holds; where each misses another one, what each misses."""
    if not weighed or not all(each.gaps for each in weighed):
        return
    missed = [{gap["clause"]: gap["reason"] for gap in each.gaps} for each in weighed]
    shared = [clause for clause in missed[0] if all(clause in each for each in missed)]
    for clause in shared:
        reasons: dict[str, list[str]] = {}
        for each, why in zip(weighed, missed, strict=True):
            reasons.setdefault(why[clause], []).append(each.backend)
        told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        yield at(_spot_required(traced, clause), traced, clause, told)
    if not shared:
        told = "; ".join(
            f"{each.backend} can't hold {', '.join(why)}" for each, why in zip(weighed, missed, strict=True)
        )
        clause = next(iter(missed[0]))
        yield at(_spot_required(traced, clause), traced, clause, f"no jailer holds all that is required: {told}")


def _spot_required(traced: Traced, clause: str) -> Spot | None:
    key = nearest(clause, traced.policy.require)
    return spot_of(traced, clause if key is None else f"require.{key}")


def _below_host(traced: Traced, brought: Policy, weighed: Sequence[Candidate]) -> Iterator[Found]:
    """Of the jailer that a job would get: what `require` says itself, not what is the default."""
    serves = next((each for each in weighed if not each.gaps), None)
    if serves is None:
        return
    for key, level in traced.policy.require.items():
        if limits.lowered(traced.policy, key, level):
            continue  # which is told of already
        held = [each for each in serves.held if each.asked and nearest(each.clause, brought.require) == key]
        worst = min(held, key=lambda each: RANK[each.level], default=None)
        if worst is not None and RANK[worst.level] > RANK[level]:
            message = f"{level} is required, and {serves.backend} would hold it {worst.level}"
            yield at(traced.merged.spot("require", key), traced, f"require.{key}", message)
