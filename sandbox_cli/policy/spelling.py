"""The nearest right spelling, as a hint."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


_LONGEST = 100  # characters: what is longer was not meant to be one, and would take long to compare


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The word of `known` that was probably meant; case doesn't matter."""
    if len(word) > _LONGEST:
        return None
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def hint(word: str, known: Iterable[str]) -> str:
    """What to say about a word that isn't one of `known`: the nearest of them, else all of them."""
    words = list(known)
    close = nearest(word, words)
    return f"did you mean `{close}`?" if close else f"known here: {', '.join(words)}"
