"""Who said what of a clause, and what that took the place of: the words of a whole chain of files, the last first."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy import units
from sandbox_cli.policy.build import mount
from sandbox_cli.policy.grammar import DEFAULTS
from sandbox_cli.policy.merge import INSTEAD_OF, merge
from sandbox_cli.policy.model import Mount
from sandbox_cli.policy.words import of_mount, of_rule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from sandbox_cli.policy.layers import Entry, Layer, Path
    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.merge import Said
    from sandbox_cli.policy.nodes import Spot
    from sandbox_cli.policy.scalars import Value

    Act = Literal["set", "append", "remove", "default"]

OF_THE_FILE = frozenset({"version", "silence"})  # what each file says of itself alone
_BOUND = 3  # limits, NAME, default | max


class Word(NamedTuple):
    """What one file says: `value` as a policy writes it, after a + only what is appended, `null` where it takes away.

    Without a place no file says it, and it holds by default.
    """

    act: Act
    value: str
    spot: Spot | None


class Chain(NamedTuple):
    """The words on one clause. The first is what holds; each took the place of the next, or was appended to it."""

    clause: str
    words: tuple[Word, ...]


class Provenance:
    """Of every clause of a policy."""

    def __init__(self, traced: Traced) -> None:
        self._merged, self._layers = traced.merged, traced.layers
        self._order = {layer.file: number for number, layer in enumerate(traced.layers)}
        self._entries = {(entry.path, entry.spot): entry for layer in traced.layers for entry in layer.entries}

    def chains(self, path: Path) -> list[Chain]:
        """One for each value at `path` or below that a file says, or took away, or that holds by default."""
        if path == ("extends",):
            return [_chain(path, [self._extends(layer)]) for layer in reversed(self._layers) if layer.extends]
        if path[0] in OF_THE_FILE:
            return [_chain(entry.path, [_of_the_file(entry)]) for entry in self._entries_of(path)]
        if path[0] == "filesystem":
            names = [path[1]] if len(path) > 1 else self.names("filesystem")
            return [chain for name in names if (chain := self._mount(name)).words]
        leaves = dict.fromkeys(each for each in (*DEFAULTS, *self._merged.history) if each[: len(path)] == path)
        return [chain for leaf in leaves if self._holds(leaf) and (chain := self._leaf(leaf)).words]

    def names(self, *path: str) -> list[str]:
        """What a file says right below `path`, with what was taken away again."""
        size = len(path)
        return list(dict.fromkeys(each[size] for each in self._merged.history if each[:size] == path))

    def _holds(self, leaf: Path) -> bool:
        """Not where what stands instead of it was said: its words are in the chain of that one."""
        other = INSTEAD_OF.get(leaf)
        return other is None or leaf in self._merged.said or (leaf in DEFAULTS and other not in self._merged.said)

    def _leaf(self, leaf: Path) -> Chain:
        steps = [(each, said) for each in _alternatives(leaf) for said in self._merged.history.get(each, ())]
        steps.sort(key=lambda step: self._rank(step[1].spot))
        last = {(each, said.spot): said for each, said in steps}  # a bare limit is taken away right before it is said
        words = [self._word(each, said, leaf) for (each, _), said in reversed(last.items())]
        if leaf in DEFAULTS and leaf not in self._merged.said:
            words.insert(0, _by_default(leaf))
        if words and words[-1].act == "append":
            words.append(_by_default(leaf))
        return _chain(leaf, words)

    def _word(self, path: Path, said: Said, leaf: Path) -> Word:
        entry = self._entries.get((path, said.spot))
        key = f"{path[-1]} " if path != leaf and len(path) > 1 else ""
        if entry is None and said.value is not None:  # the name that a language has from its file
            return Word("set", written(path, said.value), said.spot)
        if entry is None or entry.act == "remove":
            return Word("remove", f"{key}null", said.spot)
        plus = "+" if entry.act == "append" else ""
        return Word(entry.act, f"{key}{plus}{written(path, entry.value)}", said.spot)

    def _rank(self, spot: Spot) -> tuple[int, int, int]:
        return self._order[spot.file], spot.line, spot.column

    def _mount(self, name: str) -> Chain:
        """A mount as a whole: what stands there after each file that says something of it."""
        words: list[Word] = []
        before = None
        for layer, mounts in zip(self._layers, self._states, strict=True):
            after = mounts.get(name)
            entry = _first_about(layer, name)
            if entry is not None and (before is not None or after is not None):
                act: Act = "set" if after is not None else "remove"
                words.insert(0, Word(act, "null" if after is None else _shown(name, after), entry.spot))
            before = after
        return _chain(("filesystem", name), words)

    @functools.cached_property
    def _states(self) -> Sequence[Mapping[str, Mapping[str, Value]]]:
        """The mounts as each file leaves them."""
        return [merge(self._layers[: number + 1]).below("filesystem") for number in range(len(self._layers))]

    def _extends(self, layer: Layer) -> Word:
        return Word("set", ", ".join(name for name, _ in layer.extends), layer.extends[0][1])

    def _entries_of(self, path: Path) -> list[Entry]:
        """The nearest file's first: nobody inherits them."""
        entries = [entry for layer in reversed(self._layers) for entry in layer.entries]
        return [entry for entry in entries if entry.path[: len(path)] == path and entry.act == "set"]


def written(path: Path, value: Value) -> str:
    """A value as a policy writes it."""
    if isinstance(value, tuple):
        return ", ".join(each if isinstance(each, str) else of_rule(each) for each in value) or "[]"
    if value is None:
        return "none"  # of a limit: nothing bounds it
    if isinstance(value, bool):
        return str(value).lower()
    if path[-1] in {"default", "max"} and len(path) >= _BOUND and not isinstance(value, str):
        return units.format_limit(path[-2], value)
    return units.format_value("size", value) if path[-1] == "max_bytes" and isinstance(value, int) else str(value)


def _chain(path: Path, words: Sequence[Word]) -> Chain:
    return Chain(".".join(path), tuple(words))


def _alternatives(leaf: Path) -> list[Path]:
    other = INSTEAD_OF.get(leaf)
    return [leaf] if other is None else [leaf, other]


def _of_the_file(entry: Entry) -> Word:
    return Word("set", written(entry.path, entry.value), entry.spot)


def _by_default(leaf: Path) -> Word:
    return Word("default", written(leaf, DEFAULTS[leaf]), None)


def _first_about(layer: Layer, name: str) -> Entry | None:
    """The first entry of a file that says anything of the mount at `name`."""
    paths = (("filesystem",), ("filesystem", name))
    return next((entry for entry in layer.entries if entry.path[:2] in paths), None)


def _shown(name: str, said: Mapping[str, Value]) -> str:
    found = Mount.model_validate(mount(name, said))
    return f"{of_mount(name, found)}{' optional' if found.optional else ''}"
