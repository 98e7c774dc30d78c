"""From one file to its layer: what it says, checked and in long form, each entry with its place."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple, assert_never

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import grammar, scalars, units, variables
from sandbox_cli.policy.nodes import Listing, Mapping, Scalar, compose
from sandbox_cli.policy.places import SUFFIX
from sandbox_cli.policy.reading import CONTROL
from sandbox_cli.policy.shape import Either, Items, Leaf, Record, Rows, Short, Table
from sandbox_cli.policy.spelling import hint as spelling_hint
from sandbox_cli.text import spelled

if TYPE_CHECKING:
    from sandbox_cli.policy.model import SyscallRule
    from sandbox_cli.policy.nodes import Node, Spot
    from sandbox_cli.policy.scalars import Value
    from sandbox_cli.policy.shape import Spec

Act = Literal["set", "append", "remove"]
Path = tuple[str, ...]  # of a clause: environment names and mounts may hold dots


class Entry(NamedTuple):
    """One thing that a file says. `remove` takes away everything below `path`."""

    path: Path
    act: Act
    value: Value
    spot: Spot


class Layer(NamedTuple):
    file: str
    extends: tuple[tuple[str, Spot], ...]
    entries: tuple[Entry, ...]
    name: str  # of the policy, and of the language that it is the first to speak of
    size: int = 0  # in characters

    @property
    def values(self) -> int:
        return sum(len(entry.value) if isinstance(entry.value, tuple) else 1 for entry in self.entries)


def policy_layer(text: str, file: str, name: str | None = None) -> Layer:
    """What `text` says; `name` is the policy's, by default that of its file."""
    root = compose(text, file)
    if root is None:
        raise PolicyError("the file is empty", file=file, hint="a policy says at least what it extends: extends: _base")
    entries = read(grammar.POLICY, root)
    called = name or os.path.basename(file).removesuffix(SUFFIX)  # noqa: PTH119 (Path is a clause's here)
    return Layer(file, _extends(root), entries, called, len(text))


def read(spec: Record, root: Node) -> tuple[Entry, ...]:
    """What a document says, by the grammar `spec`."""
    reader = _Reader()
    reader.record(spec, root, ())
    return tuple(reader.entries)


def _extends(root: Node) -> tuple[tuple[str, Spot], ...]:
    named = [node for key, node in root.entries if key.text == "extends"] if isinstance(root, Mapping) else []
    nodes = [item for node in named for item in (node.items if isinstance(node, Listing) else (node,))]
    return tuple(
        (scalars.policy(node, "extends"), node.spot) for node in nodes if isinstance(node, Scalar) and not node.null
    )


class _Reader:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def record(self, spec: Record, node: Node, path: Path) -> None:
        clause = ".".join(path)
        seen: dict[str, Scalar] = {}
        for key, value in _map(node, clause).entries:
            _check_text(key, clause)
            name = key.text.removeprefix("+")
            within = spec.keys.get(name)
            _check_key(spec, key, within, clause)
            if name in seen:
                hint = "keep one: without the + it replaces the inherited list"
                raise key.spot.error(f"{name} stands here with and without a +", clause=clause, hint=hint)
            seen[name] = key
            if within is not None:
                self._value(within, value, (*path, name), key)
        _check_apart(spec, seen, clause)

    def _value(self, spec: Spec, node: Node, path: Path, key: Scalar) -> None:
        clause = ".".join(path)
        if path == ("extends",) and isinstance(node, Scalar) and not node.missing:
            node = Listing(() if node.null else (node,), node.spot)
        if isinstance(node, Scalar):
            self._scalar(spec, node, path, key)
            return
        match spec:
            case Leaf():
                raise node.spot.error(f"expects one value, not a {_kind(node)}", clause=clause)
            case Items():
                self._add_list(_texts(spec, node, clause), path, key)
            case Rows():
                self._add_list(tuple(_row(spec, item, path) for item in _list(node, clause, spec.example)), path, key)
            case Record():
                self.record(spec, node, path)
            case Table():
                self._table(spec, node, path)
            case Short():
                self.record(spec.long, node, path)
            case Either():
                self.record(spec.record, node, path)
            case _:
                assert_never(spec)

    def _scalar(self, spec: Spec, scalar: Scalar, path: Path, key: Scalar) -> None:
        clause = ".".join(path)
        leaf = spec.word if isinstance(spec, Either) else spec
        if scalar.missing:
            hint = 'null removes what is inherited, "" is empty text'
            raise scalar.spot.error("no value stands here", clause=clause, hint=hint)
        if scalar.null:
            if key.text.startswith("+"):
                raise scalar.spot.error("a + appends a list, not null", clause=clause, hint=f"write {path[-1]}: null")
            self.entries.append(Entry(path, "remove", None, key.spot))
        elif isinstance(leaf, Leaf):
            _check_text(scalar, clause, leaf)
            self.entries.append(Entry(path, "set", leaf.parse(scalar, clause), key.spot))
        elif isinstance(leaf, Short):
            self._short(leaf, scalar, path, key)
        elif isinstance(leaf, Items | Rows):
            item = f'"{scalar.text}"' if scalar.text.startswith("@") else scalar.text  # YAML takes no @ without quotes
            hint = f"write [{item if isinstance(leaf, Items) else leaf.example}]"
            raise scalar.spot.error("expects a list", clause=clause, hint=hint)
        else:
            raise scalar.spot.error(f"expects a map of keys and values, not {scalar.text!r}", clause=clause)

    def _short(self, spec: Short, scalar: Scalar, path: Path, key: Scalar) -> None:
        clause = ".".join(path)
        _check_text(scalar, clause)
        values = spec.expand(scalar, path[-1], clause)
        self.entries.append(Entry(path, "remove", None, key.spot))
        self.entries.extend(Entry((*path, name), "set", value, key.spot) for name, value in values.items())

    def _add_list(self, values: Value, path: Path, key: Scalar) -> None:
        act: Act = "append" if key.text.startswith("+") else "set"
        self.entries.append(Entry(path, act, values, key.spot))

    def _table(self, spec: Table, node: Node, path: Path) -> None:
        for key, value in _map(node, ".".join(path)).entries:
            clause = ".".join((*path, key.text))
            _check_text(key, ".".join(path))
            if key.text.startswith("+"):
                raise key.spot.error("a + appends to lists only", clause=".".join(path), hint=f"write {key.text[1:]}")
            self._value(spec.item, value, (*path, spec.key(key, clause)), key)


def _list(node: Node, clause: str, example: str = "a, b") -> tuple[Node, ...]:
    if not isinstance(node, Listing):
        raise node.spot.error("expects a list, not a map", clause=clause, hint=f"write [{example}]")
    return node.items


def _map(node: Node, clause: str) -> Mapping:
    if isinstance(node, Mapping):
        return node
    hint = None if clause else "a policy is made of lines like `extends: python`"
    raise node.spot.error(f"expects a map of keys and values, not a {_kind(node)}", clause=clause, hint=hint)


def _kind(node: Node) -> str:
    return {Scalar: "single value", Listing: "list", Mapping: "map"}[type(node)]


def _texts(spec: Items, node: Node, clause: str) -> tuple[str, ...]:
    values = tuple(_item(spec, item, clause) for item in _list(node, clause))
    if spec.filled and not values:
        raise node.spot.error("must not be empty", clause=clause)
    return values


def _row(spec: Rows, node: Node, path: Path) -> SyscallRule:
    clause = ".".join(path)
    if not isinstance(node, Mapping):
        message = f"expects maps in this list, not a {_kind(node)}"
        raise node.spot.error(message, clause=clause, hint=f"write {spec.example}")
    reader = _Reader()
    reader.record(spec.row, node, path)
    for entry in reader.entries:
        if entry.act == "remove":
            hint = f"leave {entry.path[-1]} out"
            raise entry.spot.error("null removes what is inherited, and here is nothing", clause=clause, hint=hint)
    said = {entry.path[-1]: entry.value for entry in reader.entries}
    spots = {entry.path[-1]: entry.spot for entry in reader.entries}
    return spec.make(said, spots, node.spot, clause)


def _item(spec: Items, node: Node, clause: str) -> str:
    if not isinstance(node, Scalar):
        hint = "put quotes around text that begins with { or ["
        raise node.spot.error(f"expects text in this list, not a {_kind(node)}", clause=clause, hint=hint)
    if node.missing:
        raise node.spot.error("no value stands here", clause=clause, hint='"" is empty text')
    _check_text(node, clause, spec)
    return spec.parse(node, clause)


def _check_key(spec: Record, key: Scalar, within: Spec | None, clause: str) -> None:
    plus = key.text.startswith("+")
    if within is None:
        lists = [name for name, each in spec.keys.items() if isinstance(each, Items | Rows)]
        known = [f"+{name}" for name in lists] if plus and lists else list(spec.keys)
        hint = spelling_hint(key.text, known)
        if "limits" in known and key.text in units.LIMITS:
            hint = f"did you mean `limits: {{{key.text}: ...}}`?"
        raise key.spot.error(f"unknown key {spelled(key.text)}", clause=clause, hint=hint)
    if plus and (not isinstance(within, Items | Rows) or key.text == "+extends"):
        hint = f"write {key.text[1:]}"
        raise key.spot.error(f"{key.text!r}: a + appends to inherited lists only", clause=clause, hint=hint)


def _check_apart(spec: Record, seen: dict[str, Scalar], clause: str) -> None:
    for group in spec.apart:
        given = [name for name in seen if name in group]
        if len(given) > 1:
            message = f"{' and '.join(given)} can't stand together"
            raise seen[given[1]].spot.error(message, clause=clause, hint="keep one of them")


def _check_text(scalar: Scalar, clause: str, spec: Leaf | Items | None = None) -> None:
    """Refuses what could hide something, break out of a line of a jailer's configuration, or look like a template."""
    text = scalar.text.replace("\n", "").replace("\t", "") if spec is not None and spec.lines else scalar.text
    if found := CONTROL.search(text):
        several = "only prose, programs and what programs are given may have several lines"
        hint = several if found[0] in "\n\t" else "take it out: it could hide something, or end a line"
        kind = "line separator" if found[0] in "\u2028\u2029" else "control character"
        raise scalar.spot.error(f"holds the {kind} U+{ord(found[0]):04X}", clause=clause, hint=hint)
    if spec is not None and spec.verbatim:
        return
    try:
        names = variables.names_in(scalar.text)
    except PolicyError as error:
        raise scalar.spot.error(error.message, clause=clause, hint=error.hint) from None
    if names and not (spec is not None and spec.variables):
        message = f"{{{{ {min(names)} }}}} means nothing here"
        raise scalar.spot.error(message, clause=clause, hint=f"variables are replaced in {variables.CLAUSES}")
