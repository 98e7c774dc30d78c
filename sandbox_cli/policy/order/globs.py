"""Whether one of `artifacts.collect`'s patterns names all that another does, told from the patterns alone."""

from __future__ import annotations

FOLDERS = "**"  # any number of them, and at the end a file, too


def covers(wide: str, narrow: str) -> bool:
    """False where it can't be told: within one name a pattern is compared with itself alone, and with `*`."""
    pattern = _parts(wide)
    states = _skip_folders({0}, pattern)  # how much of it may be used up by now
    for part in _parts(narrow):
        following: set[int] = set()
        for state in states - {len(pattern)}:
            if pattern[state] == FOLDERS:
                following.add(state)
            elif part != FOLDERS and pattern[state] in {"*", part}:
                following.add(state + 1)
        states = _skip_folders(following, pattern)
    return len(pattern) in states


def _parts(glob: str) -> list[str]:
    parts: list[str] = []
    for part in glob.removeprefix("./").split("/"):
        if part != FOLDERS or parts[-1:] != [FOLDERS]:  # two in a row say no more than one
            parts.append(part)
    return [FOLDERS] if parts == [FOLDERS, "*"] else parts  # every file has a name


def _skip_folders(states: set[int], pattern: list[str]) -> set[int]:
    """`**` may also stand for nothing."""
    return states | {state + 1 for state in states if state < len(pattern) and pattern[state] == FOLDERS}
