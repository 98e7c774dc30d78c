"""The kinds of things that a grammar is made of. A grammar is data: see grammar.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox_cli.policy.model import SyscallRule
from sandbox_cli.policy.nodes import Scalar, Spot
from sandbox_cli.policy.scalars import Value

Parse = Callable[[Scalar, str], Value]


@dataclass(frozen=True)
class Leaf:
    """A scalar. `lines`: it may hold line feeds and tabs. `variables`: it may hold `{{ file }}` and its like.

    `verbatim`: nothing in it is ever a template, whatever it looks like.
    """

    parse: Parse
    lines: bool = False
    variables: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Items:
    """A list of scalars, which a `+` before its key appends to the inherited one. `filled`: never an empty one.

    `lines`, `variables` and `verbatim` as for a Leaf.
    """

    parse: Callable[[Scalar, str], str]
    variables: bool = False
    filled: bool = False
    lines: bool = False
    verbatim: bool = False


@dataclass(frozen=True)
class Rows:
    """A list of maps, which a `+` before its key appends to the inherited one.

    `make` takes the values of a map's keys, their places, that of the map and the clause; `example` shows one.
    """

    row: Record
    make: Callable[[Mapping[str, Value], Mapping[str, Spot], Spot, str], SyscallRule]
    example: str


@dataclass(frozen=True)
class Record:
    """A map of known keys. Of each group in `apart` only one may be given."""

    keys: Mapping[str, Spec]
    apart: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Table:
    """A map whose keys are names that `key` reads."""

    key: Callable[[Scalar, str], str]
    item: Spec


@dataclass(frozen=True)
class Short:
    """A map that a word or value may stand for: `expand` gives its long form, from the scalar and its key."""

    expand: Callable[[Scalar, str, str], Mapping[str, Value]]
    long: Record


@dataclass(frozen=True)
class Either:
    """A word, or a map in its place."""

    word: Leaf
    record: Record


Spec = Leaf | Items | Rows | Record | Table | Short | Either
