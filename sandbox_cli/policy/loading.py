"""From a name or a path to a policy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import places
from sandbox_cli.policy.build import build
from sandbox_cli.policy.chain import layers
from sandbox_cli.policy.merge import Merged, merge
from sandbox_cli.policy.model import Policy
from sandbox_cli.policy.places import SUFFIX, Available, Found
from sandbox_cli.policy.spelling import hint as spelling_hint
from sandbox_cli.text import spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.policy.layers import Layer


class Traced(NamedTuple):
    """A policy, every word that its files say of each clause, and the files themselves: itself last."""

    policy: Policy
    merged: Merged
    layers: Sequence[Layer]


def load(name_or_path: str) -> Policy:
    """The policy of that name, or in that file: a path holds a `/` or ends in `.yaml`. PolicyError where it is none."""
    return trace(name_or_path).policy


def trace(name_or_path: str) -> Traced:
    """The same, with how it came about."""
    return trace_found(find(name_or_path))


def trace_found(found: Found) -> Traced:
    """The same of a file that was looked up already."""
    chain = layers(found)
    merged = merge(chain)
    files = [layer.file for layer in reversed(chain)]
    return Traced(build(merged, found.path.name.removesuffix(SUFFIX), files), merged, chain)


def available() -> list[Available]:
    """Every policy that can be had by name, sorted."""
    return places.available()


def language_index() -> dict[str, str]:
    """From each language's name, alias and extension (`.py`) to the name of its policy.

    A policy stands for a language where it bears the language's name: a `python-strict` that extends
    `python` is one more policy for it, and takes nothing over. A name comes before an alias, and a more
    trusted place before a less trusted one. A policy that can't be read keeps its name, so that loading
    it says why.
    """
    claims: list[tuple[int, str, str]] = []
    rank = {place.where: order for order, place in enumerate(places.search_order())}
    for each in places.available():
        words = _words(each)
        claims += [(-1 if word == each.name else rank[each.where], word, each.name) for word in words]
    index: dict[str, str] = {}
    for _, word, policy in sorted(claims):
        index.setdefault(word, policy)
    return index


def _words(each: Available) -> list[str]:
    """What the policy is called as a language; nothing where it isn't one of its own."""
    found = places.by_name(each.name)
    if found is None:
        return []  # it went away meanwhile
    try:
        merged = merge(layers(found))
    except PolicyError:
        return [each.name]
    if merged.value("language", "name") != each.name:
        return []
    return [each.name, *_texts(merged, "aliases"), *_texts(merged, "extensions")]


def _texts(merged: Merged, key: str) -> tuple[str, ...]:
    value = merged.value("language", key)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, tuple) else ()


def find(name_or_path: str) -> Found:
    """The file that is meant: as `load`."""
    if "\0" in name_or_path:
        raise PolicyError("a policy's name holds no NUL character")
    if places.is_path(name_or_path):
        return places.by_path(Path(name_or_path))
    if not places.is_name(name_or_path):
        hint = "a name has letters, digits, _, -, + and single dots; a path holds a / or ends in .yaml"
        raise PolicyError(f"{spelled(name_or_path)} is neither a policy's name nor a path", hint=hint)
    found = places.by_name(name_or_path)
    if found is None:
        raise PolicyError(f"there is no policy {spelled(name_or_path)}", hint=_hint(name_or_path))
    return found


def _hint(name: str) -> str:
    if os.path.isfile(name):  # noqa: PTH113 (pathlib's raises for a name that is too long)
        return f"for the file here write ./{name}"
    if os.path.isfile(name + SUFFIX):  # noqa: PTH113 (as above)
        return f"for the file here write ./{name}{SUFFIX}"
    alias = language_index().get(name)
    return f"did you mean `{alias}`?" if alias else spelling_hint(name, [each.name for each in places.available()])
