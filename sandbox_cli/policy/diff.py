"""What a change of policies lets through, and what it no longer does: each clause, with the lines that say it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import folders, places
from sandbox_cli.policy.dotted import TABLES, path_of
from sandbox_cli.policy.loading import Traced, find, trace, trace_found
from sandbox_cli.policy.mounts import covering
from sandbox_cli.policy.order import compare
from sandbox_cli.policy.order.relations import together
from sandbox_cli.policy.revision import PREFIX, Revision, split
from sandbox_cli.text import spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.policy.nodes import Spot
    from sandbox_cli.policy.order import Relation
    from sandbox_cli.policy.places import Found

WORST_FIRST: tuple[Relation, ...] = ("looser", "incomparable", "tighter", "equal")


class At(NamedTuple):
    """The line of a policy that says something."""

    file: str
    line: int


class Change(NamedTuple):
    """One clause. None as a place: no file says anything of it there."""

    clause: str
    relation: Relation
    before: str
    after: str
    before_at: At | None
    after_at: At | None


class Comparison(NamedTuple):
    """A policy before and after. One of both is None where there is none, or, before, none that can be read."""

    name: str
    before: Traced | None
    after: Traced | None
    changes: Sequence[Change] = ()
    problem: str | None = None

    @property
    def relation(self) -> Relation:
        """What the policy now is to what it was. A new one lets through what nothing did."""
        if self.before is None or self.after is None:
            return "tighter" if self.after is None else "looser"
        return together(change.relation for change in self.changes)


def between(before: str, after: str) -> Comparison:
    """Two policies, each by its name, its path, or as `git:REV:PATH`."""
    return _compared(after, _trace(before), _trace(after))


def since(rev: str, names: Sequence[str]) -> list[Comparison]:
    """Each policy, and each in a folder that is named, with what it was in the revision `rev`."""
    revisions: dict[str, Revision] = {}

    def around(folder: str) -> Revision:
        if folder not in revisions:
            revisions[folder] = Revision(rev, folder)
            if not revisions[folder].covers(Path(folder)):
                raise UsageError(f"{folder!r} is in no working tree of git's", hint="name policies in a clone")
        return revisions[folder]

    found: list[Comparison] = []
    for name in names:
        if folders.is_folder(name):
            real = os.path.realpath(name)
            found += _of_folder(around(real), Path(real), name)
        else:
            file = find(name)
            after = trace_found(file)
            path = Path(os.path.realpath(file.path.parent), file.path.name)
            found.append(_of_file(around(str(path.parent)), path, name, after))
    return found


def _of_folder(revision: Revision, folder: Path, shown: str) -> list[Comparison]:
    """Its policies, now or then; not those of folders below it."""
    now = [folder / name for name in folders.names_in(shown) if places.is_policy_of_folder(name)]
    then = revision.policies(folder)
    if not now and not then:
        hint = f"policies are files whose names end in {places.SUFFIX}"
        raise UsageError(f"there is no policy in {spelled(shown)}, nor was there one", hint=hint)
    found: list[Comparison] = []
    for path in sorted({*now, *then}):
        name = f"{shown.rstrip('/')}/{path.name}"
        if path in now:
            found.append(_of_file(revision, path, name, trace_found(places.by_path(path))))
        else:
            found.append(_gone(revision, path, name))
    return found


def _gone(revision: Revision, path: Path, name: str) -> Comparison:
    try:
        return Comparison(name, trace_found(_in(revision, path)), None)
    except PolicyError:
        return Comparison(name, None, None)


def _of_file(revision: Revision, path: Path, name: str, after: Traced) -> Comparison:
    """A policy that could not be read before allowed nothing: it compares as a new one."""
    if not revision.exists(path):
        return Comparison(name, None, after)
    try:
        before = trace_found(_in(revision, path))
    except PolicyError as error:
        return Comparison(name, None, after, problem=str(error))
    return _compared(name, before, after)


def _trace(name: str) -> Traced:
    if not name.startswith(PREFIX):
        return trace(name)
    rev, path = split(name)
    revision = Revision(rev)
    return trace_found(_in(revision, revision.path(path)))


def _in(revision: Revision, path: Path) -> Found:
    return places.by_path(path, revision=revision)


def _compared(name: str, before: Traced, after: Traced) -> Comparison:
    changes = [
        Change(*each, _place(before, each.clause), _place(after, each.clause))
        for each in compare(before.policy, after.policy)
    ]
    changes.sort(key=lambda change: WORST_FIRST.index(change.relation))
    return Comparison(name, before, after, changes)


def _place(traced: Traced, clause: str) -> At | None:
    """Where the policy last says something of the clause, or of what is around it."""
    blame = traced.policy.sources.get(clause)
    if blame and blame["file"] is not None and blame["line"] is not None:
        return At(blame["file"], blame["line"])
    path = path_of(clause)
    while path:
        spot = traced.merged.spot(*path) or _covering(traced, path)
        if spot is not None:
            return At(spot.file, spot.line)
        path = () if path[0] in TABLES else path[:-1]
    return None


def _covering(traced: Traced, path: tuple[str, ...]) -> Spot | None:
    """Of what is seen at a path the nearest mount above it decides."""
    if path[0] != "filesystem" or not path[1:]:
        return None
    above = covering(path[1], traced.policy.filesystem)
    return traced.merged.spot("filesystem", above) if above is not None else None
