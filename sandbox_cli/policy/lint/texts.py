"""Rules on a policy as a text and as files: what it says twice, what it lacks, what it rests on, who can change it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import order, places
from sandbox_cli.policy.build import build
from sandbox_cli.policy.lint.found import Found, at, spot_of
from sandbox_cli.policy.lint.silence import KEY
from sandbox_cli.policy.merge import merge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.layers import Entry
    from sandbox_cli.policy.layers import Path as ClausePath
    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.merge import Merged
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.policy.scalars import Value

_NO_CLAUSES = ("version", "extends", KEY)
_OF_LISTS = ("syscalls",)  # what they come to is more than what they say
_NAMED = ("filesystem", "environment", "limits", "require")  # a clause is one name of these


def dead_override(traced: Traced) -> Iterator[Found]:
    """Of the policy's own file: for what it extends, whoever checks that is told."""
    if len(traced.layers) == 1:
        return
    before = merge(traced.layers[:-1])
    same = _same_by_meaning(before, traced.policy)
    told: set[ClausePath] = set()
    for entry in traced.layers[-1].entries:
        unit = _unit(entry.path)
        if entry.path[0] in _NO_CLAUSES or unit in told:
            continue
        message = _dead(entry, unit, before, traced.merged) or same.get(entry.path[0])
        if message is not None:
            told.add(unit)
            yield at(entry.spot, traced, ".".join(unit), message)


def selftest_missing(traced: Traced) -> Iterator[Found]:
    language = traced.policy.language
    if language is not None and language.selftest is None:
        said = traced.merged.said.get(("language", "name"))
        message = f"no self-test says that {language.name} runs"
        yield at(said.spot if said else spot_of(traced, "language"), traced, "language.selftest", message)


def extends_outside(traced: Traced) -> Iterator[Found]:
    """A path that leads out of the folder, or the repository, in which the policy stands."""
    for layer in traced.layers:
        folder = Path(os.path.realpath(layer.file)).parent
        tree = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
        for name, spot in layer.extends:
            base = Path(os.path.realpath(folder / name))
            if places.is_path(name) and not base.is_relative_to(tree):
                yield at(spot, traced, "extends", f"{base} lies outside of {tree}")


def writable_by_all(traced: Traced) -> Iterator[Found]:
    for layer in traced.layers:
        file = Path(os.path.realpath(layer.file))
        for place in (file, *file.parents):
            if _others_write(place):
                yield Found(layer.file, None, None, None, f"every account can write {place}", f"chmod o-w {place}")
                break


def _others_write(place: Path) -> bool:
    try:
        status = place.stat()
    except OSError:
        return False  # it went away, or is behind a folder that is closed to us
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    return bool(status.st_mode & stat.S_IWOTH) and not sticky


def _unit(path: ClausePath) -> ClausePath:
    """The clause that an entry is a part of: what a reader takes for one line."""
    if path[0] in _NAMED:
        return path[:2]
    return path[:4] if path[:3] == ("language", "compile", "limits") else path


def _dead(entry: Entry, unit: ClausePath, before: Merged, after: Merged) -> str | None:
    was = _state(before, unit)
    if entry.act == "append":
        inherited, value = before.value(*entry.path), entry.value
        known = isinstance(inherited, tuple) and isinstance(value, tuple) and set(value) <= set(inherited)
        return "appends what is in the inherited list already" if known else None
    if was != _state(after, unit):
        return None
    if was:
        return "says what is inherited already"
    return "takes away what is not inherited" if entry.act == "remove" else None


def _same_by_meaning(before: Merged, policy: Policy) -> dict[str, str]:
    """The clauses of lists that say the same in other words; none where the base can't stand by itself."""
    try:
        base = build(before, policy.name, policy.files)
    except PolicyError:
        return {}
    message = "comes to what is inherited already"
    found = {clause: order.compare(base, policy, {clause}) for clause in _OF_LISTS}
    return {clause: message for clause, said in found.items() if all(each.relation == "equal" for each in said)}


def _state(merged: Merged, unit: ClausePath) -> dict[ClausePath, Value]:
    return {path: said.value for path, said in merged.said.items() if path[: len(unit)] == unit}
