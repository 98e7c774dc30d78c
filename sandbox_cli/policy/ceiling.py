"""What no job on this machine may have more of, whatever its policy says: the system's file, and that of a variable.

A ceiling is written as a policy is, less what a policy alone can have. What it doesn't name isn't bounded. The file
that SANDBOX_CEILING names can only add: both hold, so that nobody loosens the machine's by it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import build, document, mounts, places, reading, scalars
from sandbox_cli.policy.grammar import POLICY
from sandbox_cli.policy.guard import Guard
from sandbox_cli.policy.layers import Layer, read
from sandbox_cli.policy.merge import merge
from sandbox_cli.policy.nodes import Mapping as Map
from sandbox_cli.policy.nodes import compose
from sandbox_cli.policy.shape import Leaf, Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox_cli.policy.layers import Entry
    from sandbox_cli.policy.merge import Merged
    from sandbox_cli.policy.model import Limit, Policy
    from sandbox_cli.policy.nodes import Node
    from sandbox_cli.result import Blame

VARIABLE = "SANDBOX_CEILING"
NAME = "ceiling.yaml"
BEST_EFFORT, AUDIT = "best_effort", "audit"
_A_POLICYS = frozenset({"language", "extends", "silence"})
_WHOLE = frozenset({"filesystem", "network", "syscalls", "workspace", "environment"})  # named at all: named whole
_BY_NAME = ("limits", "artifacts", "require")  # each of these binds by itself

GRAMMAR = Record(
    {key: spec for key, spec in POLICY.keys.items() if key not in _A_POLICYS}
    | {BEST_EFFORT: Leaf(scalars.flag), AUDIT: Leaf(mounts.source)}
)


@dataclass(frozen=True)
class Ceiling:
    """One file: `bound` is what a policy may say at most, of the clauses in `named` alone.

    `best_effort` says whether --best-effort may be used; `audit` is where every job must be written down.
    """

    file: str
    bound: Policy
    named: frozenset[str]
    best_effort: bool
    audit: str | None

    @property
    def sources(self) -> dict[str, Blame]:
        return self.bound.sources


@dataclass(frozen=True)
class Ceilings:
    """All that hold, the system's first; `digest` is over all of them, and None where there is none."""

    each: tuple[Ceiling, ...] = ()
    digest: str | None = None

    @property
    def audits(self) -> list[tuple[str, Blame]]:
        """Where every job must be written down, and who says so."""
        return [(ceiling.audit, ceiling.sources[AUDIT]) for ceiling in self.each if ceiling.audit is not None]

    @property
    def against_best_effort(self) -> Blame | None:
        """Who forbids --best-effort."""
        return next((each.sources[BEST_EFFORT] for each in self.each if not each.best_effort), None)


NO_CEILING = Ceilings()


def load(environ: Mapping[str, str] = os.environ) -> Ceilings:
    """What bounds this machine's jobs. A file that is there and can't be used is a PolicyError."""
    system, more = places.SYSTEM / NAME, _of_variable(environ)
    found: list[Ceiling] = []
    if places.is_there(system, Guard.ROOT):
        found.append(_load(system, Guard.ROOT))
    if more is not None:
        found.append(_load(more, Guard.OWN))
    return Ceilings(tuple(found), _digest(found) if found else None)


def _of_variable(environ: Mapping[str, str]) -> Path | None:
    said = environ.get(VARIABLE)
    if said is None:
        return None
    if not said.startswith("/"):
        what = f"is {said!r}, which is no absolute path" if said else "is empty"
        raise UsageError(f"{VARIABLE} {what}", hint="name a file by its whole path, or unset it")
    path = Path(said)
    if "\0" in said or not os.path.lexists(path):
        raise UsageError(f"{VARIABLE} names {said!r}, and no such file can be seen", hint="mend it, or unset it")
    return path


def _load(path: Path, guarded: Guard) -> Ceiling:
    file = str(path)
    text = reading.read(path, guarded=guarded)
    root = compose(text, file)
    if not isinstance(root, Map) or not root.entries:
        _refuse_nothing(root, file)
    entries = read(GRAMMAR, cast("Map", root))
    _refuse_null(entries)
    merged = merge([Layer(file, (), entries, path.stem, len(text))])
    build.check_root(merged)
    bound = build.unchecked(merged, path.name, [file])
    bound = bound.model_copy(update={"limits": _limits(merged, bound), "sources": _sources(cast("Map", root), bound)})
    return Ceiling(
        file=file,
        bound=bound,
        named=_named(cast("Map", root), bound, merged),
        best_effort=merged.value(BEST_EFFORT) is not False,
        audit=cast("str | None", merged.value(AUDIT)),
    )


def _refuse_nothing(root: Node | None, file: str) -> None:
    """An empty one is rather one that was cut short than one that was meant."""
    if root is None or isinstance(root, Map):
        hint = "say what it bounds, as in network: none, or take the file away"
        raise PolicyError("the ceiling says nothing", file=file, hint=hint)
    hint = "a ceiling is made of lines like `network: none`"
    raise root.spot.error("expects a map of keys and values", hint=hint)


def _refuse_null(entries: Sequence[Entry]) -> None:
    """A word in place of a map takes away what was said before it, too; null alone leaves nothing behind."""
    for entry in entries:
        said = any(each.act != "remove" and each.path[: len(entry.path)] == entry.path for each in entries)
        if entry.act == "remove" and not said:
            hint = "leave the line out: what a ceiling doesn't name isn't bounded"
            message = "null takes away what is inherited, and a ceiling inherits nothing"
            raise entry.spot.error(message, clause=".".join(entry.path), hint=hint)


def _limits(merged: Merged, bound: Policy) -> dict[str, Limit]:
    """A maximum alone bounds the default, too."""
    limits = dict(bound.limits)
    for name, limit in bound.limits.items():
        default, most = (merged.said.get(("limits", name, each)) for each in ("default", "max"))
        if default is None:
            limits[name] = limit.model_copy(update={"default": limit.max})
        elif most is not None:
            build.check_default(merged, "limits", name)
    return limits


def _sources(root: Map, bound: Policy) -> dict[str, Blame]:
    """Where each clause is bounded: what is left out of one that is named, the line of its key."""
    keys = {key.text.removeprefix("+"): key.spot for key, _ in root.entries}
    sources: dict[str, Blame] = {}
    for clause in (*keys, *bound.sources):
        said, spot = bound.sources.get(clause), keys.get(clause.partition(".")[0])
        line = spot.line if spot is not None else None
        if said is not None and said["file"] is not None:
            line = said["line"]
        sources[clause] = {"clause": clause, "source": "ceiling", "file": bound.files[0], "line": line}
    return sources


def _named(root: Map, bound: Policy, merged: Merged) -> frozenset[str]:
    """`environment: {}` names it too, and allows nothing."""
    said = {key.text.removeprefix("+") for key, _ in root.entries}
    parts = {f"{clause}.{name}" for clause in _BY_NAME for name in merged.below(clause)}
    unbounded = {f"limits.{name}" for name, limit in bound.limits.items() if limit.default is None is limit.max}
    return frozenset((said & _WHOLE) | (parts - unbounded))


def _digest(ceilings: Sequence[Ceiling]) -> str:
    """Of one file that of its object, of two that of the list of both."""
    documents = [_document(each) for each in ceilings]
    return document.digest_of(documents[0] if len(documents) == 1 else documents)


def _document(ceiling: Ceiling) -> dict[str, object]:
    """What it binds in a policy's long form, and nothing else: what it leaves open can't change its digest."""
    whole = document.document(ceiling.bound)
    bound: dict[str, object] = {key: whole[key] for key in _WHOLE if key in ceiling.named}
    for clause in _BY_NAME:
        parts = cast("dict[str, object]", whole[clause])
        named = {name: each for name, each in parts.items() if f"{clause}.{name}" in ceiling.named}
        bound |= {clause: named} if named else {}
    return {"version": 1, **bound, BEST_EFFORT: ceiling.best_effort, AUDIT: ceiling.audit}
