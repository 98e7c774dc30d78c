"""Wording that messages of this folder share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.policy import places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.result import Blame

_MOST_LISTED = 12
OWN = "a policy of your own that extends it"


def place(blame: Blame) -> str:
    """Where a clause was said, for a reader who wants to change it."""
    if blame["file"] is None:
        return OWN
    said = f"{blame['file']}:{blame['line']}" if blame["line"] is not None else blame["file"]
    return f"{OWN} (built in: {said})" if Path(blame["file"]).parent == places.BUILT_IN else said


def listed(words: Sequence[str], *, last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"; of many the first, and how many more."""
    if len(words) > _MOST_LISTED:
        words = [*words[: _MOST_LISTED - 1], f"{len(words) - _MOST_LISTED + 1} more"]
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
