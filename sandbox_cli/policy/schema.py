"""The grammars as JSON Schema, for editors: a file as it may be written, short forms, `+` and null included.

They are walked: what is added to one is in its schema, too. What takes more than one look at the text - whether there
is such a policy, a default within its maximum - only loading sees.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import TYPE_CHECKING, Any, NamedTuple, assert_never, cast

import yaml

from sandbox_cli.policy import ceiling, clauses, config, units
from sandbox_cli.policy.clauses import of_tests
from sandbox_cli.policy.clauses.about import ANY, example_at, told_as
from sandbox_cli.policy.grammar import DEFAULTS, POLICY
from sandbox_cli.policy.grammar_of_tests import TESTS
from sandbox_cli.policy.shape import Either, Items, Leaf, Record, Rows, Short, Table
from sandbox_cli.policy.written import form_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.policy.clauses.about import About
    from sandbox_cli.policy.shape import Spec

Schema = dict[str, Any]
DIALECT = "http://json-schema.org/draft-07/schema#"  # the newest that all editors know


class Kind(NamedTuple):
    """A kind of files: its grammar, and what is told of its keys. `inherits`: null and `+` mean something in it."""

    title: str
    grammar: Record
    told: Mapping[str, About]
    inherits: bool = True


KINDS = {
    "policy": Kind("A policy of sandbox: what a program may do", POLICY, clauses.POLICY),
    "ceiling": Kind("A ceiling of sandbox: what any policy may say at most", ceiling.GRAMMAR, clauses.CEILING),
    "tests": Kind("The tests of a policy of sandbox", TESTS, of_tests.TESTS, inherits=False),
    "config": Kind("The configuration of sandbox", config.GRAMMAR, clauses.CONFIG),
}


def json_schema(kind: Kind) -> Schema:
    """What a file of this kind may say."""
    return {"$schema": DIALECT, "title": kind.title, **_Walk(kind).record(kind.grammar, ())}


class _Walk:
    def __init__(self, kind: Kind) -> None:
        self._told, self._inherits = kind.told, kind.inherits

    def record(self, spec: Record, path: tuple[str, ...], *, in_a_list: bool = False) -> Schema:
        inherits = self._inherits and not in_a_list
        properties: dict[str, Schema] = {}
        for name, within in spec.keys.items():
            value = self._value(within, (*path, name))
            properties[name] = self._described((*path, name), _or_null(value) if inherits else value)
            if inherits and isinstance(within, Items | Rows) and (*path, name) != ("extends",):
                properties[f"+{name}"] = {"description": f"Appends to the inherited `{name}`.", **value}
        found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        if apart := _apart(spec):
            found["not"] = {"anyOf": [{"required": list(pair)} for pair in apart]}
        return found

    def _value(self, spec: Spec, path: tuple[str, ...]) -> Schema:
        match spec:
            case Leaf() | Items():
                return _scalars(spec, path)
            case Rows():
                return {"type": "array", "items": self.record(spec.row, path, in_a_list=True)}
            case Record():
                return self.record(spec, path)
            case Table():
                return self._table(spec, path)
            case Short():
                return _either(dict(form_of(spec.expand, ".".join(path))), self.record(spec.long, path))
            case Either():
                return _either(_scalars(spec.word, path), self.record(spec.record, path))
            case _:
                assert_never(spec)

    def _table(self, spec: Table, path: tuple[str, ...]) -> Schema:
        names, patterns = names_of(spec, ".".join(path))
        return {
            "type": "object",
            "properties": {name: self._item(spec, (*path, name)) for name in names},
            "patternProperties": {pattern: self._item(spec, (*path, ANY)) for pattern in patterns},
            "additionalProperties": False,
        }

    def _item(self, spec: Table, path: tuple[str, ...]) -> Schema:
        value = self._value(spec.item, path)
        return self._described(path, _or_null(value) if self._inherits else value)

    def _described(self, path: tuple[str, ...], schema: Schema) -> Schema:
        name = told_as(path, self._told)
        if name is None:
            return schema
        known = self._told[name]
        example = example_at(tuple(name.split(".")), yaml.safe_load(known.example))
        return {"description": known.text, "examples": [example], **_default(path), **schema}


def keys(spec: Spec, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Spec]]:
    """Each key that a grammar has, by its path, with what stands there; `*` is any name."""
    below: Mapping[str, Spec] = {}
    match spec:
        case Record():
            below = spec.keys
        case Short():
            below = spec.long.keys
        case Either():
            below = spec.record.keys
        case Rows():
            below = spec.row.keys
        case Table():
            names, patterns = names_of(spec, ".".join(path))
            below = dict.fromkeys([*names, *([ANY] if patterns else [])], spec.item)
        case Leaf() | Items():
            pass
    for name, within in below.items():
        yield (*path, name), within
        yield from keys(within, (*path, name))


def default_of(path: tuple[str, ...]) -> object:
    """What holds where no file says anything, as a file would say it; None where nothing does."""
    value = DEFAULTS.get(path)
    if isinstance(value, tuple):
        return list(value)
    return units.format_value("size", value) if isinstance(value, int) and path[-1].endswith("_bytes") else value


def _default(path: tuple[str, ...]) -> Schema:
    value = default_of(path)
    return {} if value is None else {"default": value}


def names_of(spec: Table, clause: str) -> tuple[list[str], list[str]]:
    """The names that a table takes, and the patterns of others."""
    form = form_of(spec.key, clause)
    forms = cast("list[Mapping[str, Any]]", form.get("anyOf", [form]))
    names = [str(name) for each in forms for name in each.get("enum", ())]
    return names, [each.get("pattern", "^") for each in forms if "enum" not in each]


def _scalars(spec: Leaf | Items, path: tuple[str, ...]) -> Schema:
    one = dict(form_of(spec.parse, ".".join(path)))
    if isinstance(spec, Leaf):
        return one
    many: Schema = {"type": "array", "items": one, **({"minItems": 1} if spec.filled else {})}
    return _either(one, many) if path == ("extends",) else many


def _either(short: Schema, long: Schema) -> Schema:
    return {"anyOf": [*short.get("anyOf", [short]), long]}


def _or_null(schema: Schema) -> Schema:
    """The same, or null, which takes away what is inherited."""
    if "type" in schema and "not" not in schema:  # to other kinds than maps a `not required` is false
        kinds: str | list[str] = schema["type"]
        return {**schema, "type": [*([kinds] if isinstance(kinds, str) else kinds), "null"]}
    return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}]}


def _apart(spec: Record) -> list[tuple[str, ...]]:
    """The keys of which no two may be given; a list is one key, with its + or without."""
    spelled = {name: _spellings(name, each) for name, each in spec.keys.items()}
    pairs = [
        pair for group in spec.apart for a, b in combinations(group, 2) for pair in product(spelled[a], spelled[b])
    ]
    return [*(each for each in spelled.values() if len(each) > 1), *pairs]


def _spellings(name: str, spec: Spec) -> tuple[str, ...]:
    return (name, f"+{name}") if isinstance(spec, Items | Rows) and name != "extends" else (name,)
