"""Where the options of a command line end: needed where the parser has failed, and to tell `--` from a FILE."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Scan(NamedTuple):
    """The options that were given, by spelling (a flag's value is empty), and whether `--` ended them."""

    given: dict[str, str]
    dashes: bool


def scan(words: Sequence[str], options: Mapping[str, bool]) -> Scan:
    """Read `words` as the parser does. `options` maps each spelling to whether it takes a value.

    After an option that isn't known, a word without a dash may be its value: reading goes on.
    """
    given: dict[str, str] = {}
    left = list(reversed(words))
    lost = False
    while left:
        word = left.pop()
        if word == "--":
            return Scan(given, dashes=True)
        if word == "-" or not word.startswith("-"):
            if not lost:
                break
            continue
        spelling, value = _split(word, options, given)
        if spelling is None:
            lost = True
        elif options[spelling] and value is None:
            given[spelling] = left.pop() if left else ""
        else:
            given[spelling] = value or ""
    return Scan(given, dashes=False)


def _split(word: str, options: Mapping[str, bool], given: dict[str, str]) -> tuple[str | None, str | None]:
    """The last option of a word and the value joined to it; flags before it (`-vl`) go into `given`."""
    if word.startswith("--"):
        spelling, equals, value = word.partition("=")
        return (spelling if spelling in options else None), (value if equals else None)
    for index, letter in enumerate(word[1:], start=2):
        spelling = f"-{letter}"
        if spelling not in options:
            return None, None
        if options[spelling] or index == len(word):
            return spelling, word[index:] or None
        given[spelling] = ""
    return None, None
