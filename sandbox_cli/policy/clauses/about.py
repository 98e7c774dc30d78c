"""What is told of a key of a file, and how it is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ANY = "*"
_OF_COMPILE = ("language", "compile", "limits")


class About(NamedTuple):
    """What a key means, an example of it, and what holds where no file says anything, where grammar.py doesn't say."""

    text: str
    example: str
    without: str = ""


def told_as(path: Sequence[str], told: Mapping[str, About]) -> str | None:
    """Under which name the key at `path` is told of: that of a compile step's limit as any other. None: under none."""
    shared = path[2:] if tuple(path[:3]) == _OF_COMPILE and len(path) > 3 else path
    any_name = [(*shared[:at], ANY, *shared[at + 1 :]) for at in range(1, len(shared))]
    return next((name for each in (shared, *any_name) if (name := ".".join(each)) in told), None)


def example_at(path: Sequence[str], said: object) -> object:
    """What stands at `path` in a file that says `said`; `*` is the first name there. None where nothing does."""
    for name in path:
        entries = cast("list[object]", said)[0] if isinstance(said, list) else said
        if not isinstance(entries, dict):
            return None
        named = cast("dict[str, object]", entries)
        key = next(iter(named)) if name == ANY else name
        said = named.get(key, named.get(f"+{key}"))
    return said
