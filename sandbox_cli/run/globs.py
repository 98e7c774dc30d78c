"""Which paths a policy's globs name: `*` and `?` within one name, `**` for any number of folders."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Segment = Callable[[str], object] | None  # says whether a name fits; None: any number of folders


def matcher(globs: list[str]) -> Callable[[bytes], bool]:
    """Says of a path whether one of the globs names it. `**` at the end stands for everything below.

    However a glob is written, that takes no more steps than it has parts for each folder of the path.
    """
    if globs == ["**"]:
        return lambda _: True
    patterns = [_pattern(glob) for glob in globs]

    def matches(path: bytes) -> bool:
        names = os.fsdecode(path).split("/")
        return any(_match(names, pattern) for pattern in patterns)

    return matches


def _pattern(glob: str) -> list[Segment]:
    import re
    from fnmatch import translate  # its `*` never goes back: no name takes it long

    pattern: list[Segment] = []
    for part in glob.removeprefix("./").split("/"):
        if part != "**":
            pattern.append(re.compile(translate(part)).match)
        elif not pattern or pattern[-1] is not None:  # two in a row say no more than one
            pattern.append(None)
    return pattern


def _match(names: list[str], pattern: list[Segment]) -> bool:
    states = _skip_folders({0}, pattern)  # how much of the pattern may be used up by now
    for name in names:
        following: set[int] = set()
        for state in states:
            if state == len(pattern):
                continue
            fits = pattern[state]
            if fits is None:
                following.add(state)
            elif fits(name):
                following.add(state + 1)
        states = _skip_folders(following, pattern)
    return len(pattern) in states


def _skip_folders(states: set[int], pattern: list[Segment]) -> set[int]:
    """`**` may also stand for nothing."""
    return states | {state + 1 for state in states if state < len(pattern) and pattern[state] is None}
