"""Wording that messages of this folder share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.result import Blame


def place(blame: Blame) -> str:
    """Where a clause was said, for a reader who wants to change it."""
    if blame["file"] is None:
        return "a policy of your own that extends it"
    return f"{blame['file']}:{blame['line']}" if blame["line"] is not None else blame["file"]


def listed(words: Sequence[str], *, last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
