"""The few names that a policy may leave open: `{{ file }}` and its like, replaced as plain names, once.

A value is never evaluated: a template engine on values would run code on the host. So whatever else
looks like a template expression is refused where it is read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAMES = (
    "file", "file.stem", "sources", "scratch", "runtime", "runtime.prefix", "runtime.version", "limits.memory",
)  # fmt: skip
SOURCES = "sources"  # stands for several words, so it can't be a part of one
CLAUSES = "language.run, language.value, language.compile.run and environment"
_EXPRESSION = re.compile(r"\{\{ *([A-Za-z_][A-Za-z0-9_.]*) *\}\}")
_OPENING = re.compile(r"\{[{%#][^\n]{0,40}")


def names_in(text: str) -> frozenset[str]:
    """The variables that `text` uses; PolicyError where it holds any other expression."""
    found = frozenset(match[1] for match in _EXPRESSION.finditer(text))
    for name in sorted(found.difference(NAMES)):
        close = nearest(name, NAMES)
        known = f"did you mean {{{{ {close} }}}}?" if close else _known()
        raise PolicyError(f"there is no variable {{{{ {name} }}}}", hint=known)
    if opening := _OPENING.search(_EXPRESSION.sub("", text)):
        message = f"{opening[0]!r} looks like a template expression, and values are no templates"
        raise PolicyError(message, hint=_known())
    return found


def substitute(text: str, values: Mapping[str, str]) -> str:
    """`text` with each variable replaced by its value, in one pass: a value is never looked at again."""
    missing = sorted(names_in(text).difference(values))
    if missing:
        raise PolicyError(f"{{{{ {missing[0]} }}}} has no value for this job", hint=_known())
    return _EXPRESSION.sub(lambda match: values[match[1]], text)


def expand(words: Iterable[str], values: Mapping[str, str], sources: Sequence[str]) -> list[str]:
    """Each of `words` with its variables replaced; `{{ sources }}` becomes a word for each of `sources`."""
    expanded: list[str] = []
    for word in words:
        expanded += sources if SOURCES in names_in(word) else [substitute(word, values)]
    return expanded


def is_whole_word(word: str) -> bool:
    """Whether `word` is one variable and nothing else."""
    return _EXPRESSION.fullmatch(word) is not None


def _known() -> str:
    return "the variables are " + ", ".join(f"{{{{ {name} }}}}" for name in NAMES)
