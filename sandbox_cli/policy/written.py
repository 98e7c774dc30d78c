"""How what a parser of the grammar reads is written, in the words of JSON Schema.

Other readers of YAML make a number of `3.10` and a map of nothing else than we do: text may stand as a number there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Form = Mapping[str, object]
    FormOf = Callable[[str], Form]

Parser = TypeVar("Parser")

_FORMS: dict[object, Form | FormOf] = {}

TEXT: Form = {"title": "text", "type": ["string", "number"]}
RELATIVE = r"(?!\.{1,2}(/|$))[^/]+(/(?!\.{1,2}(/|$))[^/]+)*$"
ABSOLUTE = f"/($|{RELATIVE})"


def written(form: Form | FormOf) -> Callable[[Parser], Parser]:
    """Says how what the decorated parser takes is written: always so, or so at a clause."""

    def keep(parser: Parser) -> Parser:
        _FORMS[parser] = form
        return parser

    return keep


def form_of(parser: object, clause: str) -> Form:
    """How that which `parser` takes at `clause` is written; any text where nobody said more."""
    form = _FORMS.get(parser, TEXT)
    return form(clause) if callable(form) else form


def matching(what: str, pattern: str) -> Form:
    """Text of that pattern, from its beginning to where the pattern says that it ends; `what` calls it in words."""
    return {**TEXT, "title": what, "pattern": f"^{pattern}"}


def among(words: Iterable[str | int], what: str = "") -> Form:
    """One of the words, which `what` stands for where they are too many to be told."""
    return {**({"title": what} if what else {}), "enum": list(words)}
