"""Which paths a policy's globs name: `*` and `?` within one name, `**` for any number of folders."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def matcher(globs: list[str]) -> Callable[[bytes], bool]:
    """Says of a path whether one of the globs names it. `**` at the end stands for everything below."""
    if globs == ["**"]:
        return lambda _: True
    from fnmatch import fnmatchcase  # it brings re along

    patterns = [pattern.removeprefix("./").split("/") for pattern in globs]

    def matches(path: bytes) -> bool:
        names = os.fsdecode(path).split("/")
        return any(_match(names, pattern) for pattern in patterns)

    def _match(names: list[str], pattern: list[str]) -> bool:
        states = _skip_folders({0}, pattern)  # how much of the pattern may be used up by now
        for name in names:
            states = _skip_folders(
                {
                    state if pattern[state] == "**" else state + 1
                    for state in states
                    if state < len(pattern) and (pattern[state] == "**" or fnmatchcase(name, pattern[state]))
                },
                pattern,
            )
        return len(pattern) in states

    return matches


def _skip_folders(states: set[int], pattern: list[str]) -> set[int]:
    """`**` may also stand for nothing."""
    for state in sorted(states):
        while state < len(pattern) and pattern[state] == "**":
            state += 1  # noqa: PLW2901
            states.add(state)
    return states
