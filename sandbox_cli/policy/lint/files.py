"""Which policies are meant by the words of a command line: names, files, and folders with every policy in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import UsageError
from sandbox_cli.policy import places
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

_TESTS = ".test"  # python.test.yaml stands beside python.yaml, and is no policy


def named(words: Sequence[str]) -> list[str]:
    """Names and paths, each once; without words all that can be had by name. Files of tests are passed over."""
    if not words:
        return [each.name for each in places.available()]
    found: dict[str, None] = {}
    for word in words:
        if places.is_folder(word):
            found.update(dict.fromkeys(_inside(word)))
        elif not _is_tests(word):
            found[word] = None
    return list(found)


def _is_tests(word: str) -> bool:
    """A file of tests that is there: one that isn't is a mistake, and told of like any other."""
    return places.is_path(word) and Path(word).stem.endswith(_TESTS) and os.path.lexists(word)


def _inside(folder: str) -> list[str]:
    """Its policies by their paths; not those of folders below it."""
    try:
        names = sorted(path.name for path in Path(folder).iterdir() if places.is_policy_of_folder(path.name))
    except OSError as error:
        raise UsageError(f"{quoted(folder)} can't be read: {error.strerror}", hint="name its files") from None
    if not names:
        hint = f"policies are files whose names end in {places.SUFFIX}"
        raise UsageError(f"there is no policy in {quoted(folder)}", hint=hint)
    return [f"{folder.rstrip('/')}/{name}" for name in names]
