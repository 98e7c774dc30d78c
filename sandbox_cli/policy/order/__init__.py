"""What one policy allows against another, clause by clause: the one order that ceilings, comparisons and checks go by.

B is looser than A where it lets a program do something that A doesn't, and nothing less; incomparable where each lets
it do something that the other doesn't, or where that can't be told. It is over what is written, each clause by itself:
what a jailer or host makes of it, and whether any job can be run under it there, is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy import units
from sandbox_cli.policy.order import globs, language, mounts, require, syscalls
from sandbox_cli.policy.order.relations import Difference, Relation, of_numbers, of_sets, relation, together
from sandbox_cli.policy.order.table import ORDER
from sandbox_cli.policy.requirements import OF_COMPILE
from sandbox_cli.policy.words import NOTHING, UNBOUNDED, words

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Sequence

    from sandbox_cli.policy.model import Limit, Policy

    Clauses = Container[str] | None

__all__ = ["ORDER", "Difference", "Relation", "compare", "within"]

NOT_SET = "not set"
_WORKSPACES = ("none", "ro", "rw")
_SET_IN_EVERY_JAIL = frozenset({"HOME", "LANG", "PATH"})


def compare(before: Policy, after: Policy, clauses: Clauses = None) -> list[Difference]:
    """Every clause in which they differ, in a policy's order; where they only say the same otherwise, as equal.

    `clauses`: those of interest alone, and what lies below them. What is not of interest is taken to be alike.
    """
    if not _has("network", clauses):
        before = before.model_copy(update={"network": after.network})
    return [
        each
        for part in _PARTS
        for each in part(before, after)
        if _has(each.clause, clauses) and (each.relation != "equal" or each.before != each.after)
    ]


def within(policy: Policy, bound: Policy, clauses: Clauses = None) -> list[Difference]:
    """Where `policy` is not equal to `bound`, or tighter. A bound allows mounts, and demands none."""
    allowed = {path: mount.model_copy(update={"optional": True}) for path, mount in bound.filesystem.items()}
    bound = bound.model_copy(update={"filesystem": allowed})
    return [each for each in compare(bound, policy, clauses) if each.relation in {"looser", "incomparable"}]


def _has(clause: str, clauses: Clauses) -> bool:
    """Whether it, or what it is part of, is one of them. A limit bounds a compile step, too."""
    if clauses is None:
        return True
    if clause.startswith(OF_COMPILE) and _has(clause.removeprefix("language.compile."), clauses):
        return True
    while clause and clause not in clauses:
        clause = _around(clause)
    return bool(clause)


def _around(clause: str) -> str:
    """What it is part of. The dots of a path and of a variable's name are their own."""
    head, slash, _ = clause.partition("./")
    if slash:
        return head
    return "environment" if clause.startswith("environment.") else clause.rpartition(".")[0]


def _description(before: Policy, after: Policy) -> Iterator[Difference]:
    yield Difference("description", "equal", *(" ".join(each.description.split()) for each in (before, after)))


def _language(before: Policy, after: Policy) -> Iterator[Difference]:
    yield from language.differences(before.language, after.language)
    steps = [bool(each.language and each.language.compile) for each in (before, after)]
    for clause, bounds in language.limits(before, after):
        found = _limit(clause, *bounds)
        # A step that is new has bounds of its own, of which those matter that are more than what there was.
        yield from (each for each in found if all(steps) or each.relation == ("looser" if steps[1] else "tighter"))


def _limits(before: Policy, after: Policy) -> Iterator[Difference]:
    for name in units.LIMITS:
        yield from _limit(f"limits.{name}", before.limits.get(name), after.limits.get(name))


def _limit(clause: str, before: Limit | None, after: Limit | None) -> Iterator[Difference]:
    """More is looser, and most of all what is not bounded."""
    name = clause.rpartition(".")[2]
    for key, part in (("default", clause), ("max", f"{clause}.max")):
        values = [None if bounds is None else getattr(bounds, key) for bounds in (before, after)]
        said = [UNBOUNDED if value is None else units.format_limit(name, value) for value in values]
        yield Difference(part, of_numbers(*values), *said)


def _filesystem(before: Policy, after: Policy) -> Iterator[Difference]:
    for place in mounts.differences(before.filesystem, after.filesystem):
        yield Difference(f"filesystem.{place.path}", place.relation, place.before, place.after)


def _network(before: Policy, after: Policy) -> Iterator[Difference]:
    """The host's has all that any list has."""
    hosts = [_hosts(each) for each in (before, after)]
    whole = before.network == "host", after.network == "host"
    found = relation(more=whole[1], less=whole[0]) if whole[0] != whole[1] else of_sets(*hosts)
    yield Difference("network", found, words("network", before), words("network", after))


def _hosts(policy: Policy) -> set[str]:
    return set() if isinstance(policy.network, str) else set(policy.network.get("allow", ()))


def _syscalls(before: Policy, after: Policy) -> Iterator[Difference]:
    sides = [(each.syscalls, each.network != "host") for each in (before, after)]
    if sides[0] == sides[1]:
        return
    old, new = (syscalls.Answers.of(said, isolated=isolated) for said, isolated in sides)
    said = [words("syscalls", each) for each in (before, after)]
    found = syscalls.changed(old, new).relation
    if said[0] == said[1] and found != "equal":  # what a network of its own closes under every policy
        said = [
            f"{text}, and network {words('network', each)}" for text, each in zip(said, (before, after), strict=True)
        ]
    apart = [each.syscalls.model_copy(update={"rules": ()}) for each in (before, after)]
    rules_alone = apart[0] == apart[1] and before.syscalls.rules != after.syscalls.rules
    yield Difference("syscalls.rules" if rules_alone else "syscalls", found, *said)


def _workspace(before: Policy, after: Policy) -> Iterator[Difference]:
    """A policy lets the caller choose any directory; that of a job is one of them."""
    ranks = [_WORKSPACES.index(each.workspace) for each in (before, after)]
    chosen = [each.directory for each in (before, after)]
    of_directory: Relation = "equal"
    if chosen[0] != chosen[1]:
        of_directory = relation(more=chosen[1] is None or chosen[0] is not None, less=chosen[1] is not None)
    found = together([of_numbers(*ranks), of_directory])
    yield Difference("workspace", found, words("workspace", before), words("workspace", after))


def _environment(before: Policy, after: Policy) -> Iterator[Difference]:
    """One more is looser, and another value incomparable: what a program makes of it is its own."""
    for name in sorted({*before.environment, *after.environment}):
        old, new = before.environment.get(name), after.environment.get(name)
        found = relation(more=new is not None, less=old is not None) if old != new else "equal"
        if found != "equal" and name in _SET_IN_EVERY_JAIL:  # to another value, where the policy says none
            found = "incomparable"
        yield Difference(f"environment.{name}", found, *(NOT_SET if each is None else each for each in (old, new)))


def _artifacts(before: Policy, after: Policy) -> Iterator[Difference]:
    old, new = before.artifacts, after.artifacts
    patterns = [" ".join(each.collect) or NOTHING for each in (old, new)]
    yield Difference("artifacts.collect", _of_globs(old.collect, new.collect), patterns[0], patterns[1])
    yield Difference(
        "artifacts.max_files", of_numbers(old.max_files, new.max_files), str(old.max_files), str(new.max_files)
    )
    said = [units.format_value("size", each.max_bytes) for each in (old, new)]
    yield Difference("artifacts.max_bytes", of_numbers(old.max_bytes, new.max_bytes), *said)


def _of_globs(before: Sequence[str], after: Sequence[str]) -> Relation:
    """By the patterns alone: more of them name more, and one may name all that another does."""
    return relation(
        more=any(not any(globs.covers(old, new) for old in before) for new in after),
        less=any(not any(globs.covers(new, old) for new in after) for old in before),
    )


def _require(before: Policy, after: Policy) -> Iterator[Difference]:
    yield from require.differences(before.require, after.require)


_PARTS: tuple[Callable[[Policy, Policy], Iterator[Difference]], ...] = (
    _description, _language, _limits, _filesystem, _network, _syscalls, _workspace, _environment, _artifacts, _require,
)  # fmt: skip
