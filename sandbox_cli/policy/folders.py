"""What a word of a command line stands for: a policy by its name, a file, or a folder with every policy in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import places
from sandbox_cli.policy.reading import LIST
from sandbox_cli.text import quoted, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence


def named(words: Sequence[str]) -> list[str]:
    """Names and paths, each once; without words all that can be had by name. Files of tests are passed over."""
    if not words:
        return [each.name for each in places.available()]
    found: dict[str, None] = {}
    for word in words:
        if is_folder(word):
            found.update(dict.fromkeys(_policies(word)))
        elif not _is_tests(word):
            _refuse_missing(word)
            found[word] = None
    return list(found)


def _refuse_missing(word: str) -> None:
    """A file that isn't there is no finding about a policy, but a mistake in what was typed."""
    if not places.is_path(word):
        return
    try:
        places.by_path(Path(word)).path.lstat()
    except FileNotFoundError:
        raise PolicyError("there is no such file", file=word, hint=LIST) from None
    except (OSError, ValueError):
        return  # it is there, or can't be: reading says why


def _is_tests(word: str) -> bool:
    """A file of tests that is there: one that isn't is a mistake, and told of like any other."""
    return places.is_path(word) and places.is_tests(Path(word).name) and os.path.lexists(word)


def is_folder(word: str) -> bool:
    """A word is a policy's name, be there a folder of that name or not. UsageError where only the folder is there."""
    if not os.path.isdir(word):  # noqa: PTH112 (pathlib's raises for what can't be a path)
        return False
    if places.is_path(word) or word in {".", ".."}:
        return True
    if places.is_name(word) and places.by_name(word) is None:
        raise UsageError(f"there is no policy {spelled(word)}", hint=f"for the folder here write ./{word}")
    return False


def names_in(folder: str) -> list[str]:
    """What lies in a folder; not what lies in those below it. UsageError where this account may not look."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 (bare names)
    except OSError as error:
        raise UsageError(f"{quoted(folder)} can't be read: {error.strerror}", hint="name its files") from None


def _policies(folder: str) -> list[str]:
    names = [name for name in names_in(folder) if places.is_policy_of_folder(name)]
    if not names:
        hint = f"policies are files whose names end in {places.SUFFIX}"
        raise UsageError(f"there is no policy in {quoted(folder)}", hint=hint)
    return [f"{folder.rstrip('/')}/{name}" for name in names]
