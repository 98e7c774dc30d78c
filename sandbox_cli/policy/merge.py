"""Layers into one: the ones a file extends first, itself last.

Maps merge key by key, a list replaces, a `+` appends, null removes. `allow` and `deny` replace each
other, as do `none`, `host` and an allow-list of the network, and the kinds of a mount.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.policy.grammar import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox_cli.policy.layers import Entry, Layer, Path
    from sandbox_cli.policy.nodes import Spot
    from sandbox_cli.policy.scalars import Value

INSTEAD_OF: dict[Path, Path] = {
    ("syscalls", "allow"): ("syscalls", "deny"),
    ("syscalls", "deny"): ("syscalls", "allow"),
    ("network",): ("network", "allow"),
    ("network", "allow"): ("network",),
}

_OF_THE_FILE = frozenset({"version", "extends", "silence"})  # what it says of itself, and nobody inherits


class Said(NamedTuple):
    value: Value
    spot: Spot


class Merged:
    """What a chain of files says: the last word on each clause, in the order in which they were said.

    `history` has every word on each clause, the first one first: None as a value took it away.
    """

    def __init__(self) -> None:
        self.said: dict[Path, Said] = {}
        self.history: dict[Path, list[Said]] = {}
        self.removed: dict[Path, Spot] = {}
        self._above: set[Path] = set()  # whatever was ever said below

    def value(self, *path: str) -> Value:
        """The last word, else the default, else None."""
        return self.said[path].value if path in self.said else self._default(path)

    def below(self, *path: str) -> dict[str, dict[str, Value]]:
        """What was said of each name below `path`, as its own map."""
        found: dict[str, dict[str, Value]] = {}
        for each, said in self.said.items():
            if each[: len(path)] == path:
                found.setdefault(each[len(path)], {})[".".join(each[len(path) + 1 :])] = said.value
        return found

    def has(self, *path: str) -> bool:
        return any(each[: len(path)] == path for each in self.said)

    def spot(self, *path: str) -> Spot | None:
        """Where the clause, something below it, or its removal was said last; None: nobody said anything."""
        for each in reversed(self.said):
            if each[: len(path)] == path:
                return self.said[each].spot
        around = [path[:length] for length in range(len(path), 0, -1)]
        return next((self.removed[each] for each in around if each in self.removed), None)

    def _default(self, path: Path) -> Value:
        replaced = INSTEAD_OF.get(path)
        return None if replaced in self.said else DEFAULTS.get(path)

    def add(self, layer: Layer) -> None:
        for entry in layer.entries:
            if entry.path[0] in _OF_THE_FILE:
                continue
            if entry.act == "remove":
                self._remove(entry)
                continue
            if entry.path[0] == "language" and not self.has("language"):
                self._say(("language", "name"), layer.name, entry.spot)
            value = self._appended(entry) if entry.act == "append" else entry.value
            self._make_way(entry)
            self._say(entry.path, value, entry.spot)

    def _say(self, path: Path, value: Value, spot: Spot) -> None:
        self.said.pop(path, None)  # the order of the dict is the order of the last words
        self.said[path] = Said(value, spot)
        self.history.setdefault(path, []).append(self.said[path])
        self._above.update(path[:length] for length in range(1, len(path) + 1))

    def _remove(self, entry: Entry) -> None:
        if entry.path in self._above:  # as of few: a mount is removed before each that is said
            for path in [each for each in self.said if each[: len(entry.path)] == entry.path]:
                del self.said[path]
                self.history[path].append(Said(None, entry.spot))
        self.removed[entry.path] = entry.spot

    def _appended(self, entry: Entry) -> Value:
        inherited = self.value(*entry.path)
        if not isinstance(inherited, tuple) or not isinstance(entry.value, tuple):
            name = entry.path[-1]
            message = f"+{name} appends to an inherited list, and none is inherited"
            raise entry.spot.error(message, clause=".".join(entry.path), hint=f"write {name}")
        return (*inherited, *entry.value)

    def _make_way(self, entry: Entry) -> None:
        """Drops what the entry stands instead of."""
        if (other := INSTEAD_OF.get(entry.path)) is not None:
            self.said.pop(other, None)
        if entry.path[0] == "filesystem" and len(entry.path) == 3:
            self._make_way_for_mount(entry)

    def _make_way_for_mount(self, entry: Entry) -> None:
        mount, key = entry.path[:2], entry.path[2]
        mode = self.said.get((*mount, "mode"))
        gone: tuple[str, ...] = ("symlink",)
        if key == "symlink":
            gone = ("from", "mode", "noexec", "optional")
        elif key == "mode" and entry.value == "tmpfs":
            gone = ("symlink", "from", "optional")
        elif key in {"from", "optional"} and mode is not None and mode.value == "tmpfs":
            gone = ("symlink", "mode")
        for each in gone:
            said = self.said.pop((*mount, each), None)
            if said is not None and said.spot.file == entry.spot.file:
                message = f"a tmpfs has no `{key if each == 'mode' else each}`"
                raise entry.spot.error(message, clause=".".join(mount), hint="keep one of them")


def merge(layers: Iterable[Layer]) -> Merged:
    merged = Merged()
    for layer in layers:
        merged.add(layer)
    return merged
