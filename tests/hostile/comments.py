"""The comments at the top of a program of a corpus: `KEY: VALUE`, one a line, up to the first line that is none.

What does not fit in a line goes on in the next, four blanks in. Each key once. A key may have words behind it, which
say where its value holds: the one with the most of them that are all true is the one that does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

Value = TypeVar("Value")
MARKS = {".c": "//", ".py": "#", ".sh": "#"}


class HeadError(ValueError):
    """A head that is not as its form says."""


def entries(path: Path) -> dict[str, str]:
    """What stands there, by its key."""
    found: dict[str, str] = {}
    mark, key = MARKS[path.suffix], ""
    for line in path.read_text(encoding="ascii").splitlines():
        if not line.startswith(mark):
            break
        text = line.removeprefix(mark)
        if text.startswith("     ") and key:
            found[key] += f" {text.strip()}"
            continue
        key, colon, value = text.removeprefix(" ").partition(": ")
        if not colon or key != key.strip() or not value.strip():
            raise HeadError(f"not `KEY: VALUE`: {line}")
        if key in found:
            raise HeadError(f"{key} stands twice")
        found[key] = value.strip()
    return found


def words(key: str, known: Collection[str]) -> frozenset[str]:
    """Those behind the key."""
    found = key.split()[1:]
    if not set(known).issuperset(found) or len(set(found)) != len(found):
        raise HeadError(f"unknown words: {key}")
    return frozenset(found)


def reasoned(value: str, wanted: bool) -> str:
    """The value without its ` -- reason`, which an exception has and a rule has not."""
    said, dashes, reason = value.partition(" -- ")
    if bool(dashes and reason.strip()) != wanted:
        raise HeadError(f"{'no reason' if wanted else 'a reason for the rule'}: {value}")
    return said


def best(values: Mapping[frozenset[str], Value], facts: Collection[str]) -> Value:
    """The value that holds where these words are true."""
    found = [each for each in values if each <= set(facts)]
    most = max((len(each) for each in found), default=-1)
    nearest = [each for each in found if len(each) == most]
    if len(nearest) != 1:
        raise HeadError(f"{len(nearest)} expectations for {sorted(facts)}")
    return values[nearest[0]]
