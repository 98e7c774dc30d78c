"""The directory of -o: made where it is missing, and taken away again where nothing was put into it."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Generator

YOURS = "name a directory of yours"


class Destination:
    """`path` is None where -o was not given. `keep` says that a job has run: an empty directory is its answer, too."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.made: list[Path] = []  # the highest first

    def keep(self) -> None:
        self.made.clear()


@contextmanager
def destination(option: str | None) -> Generator[Destination]:
    """The directory, ready to be written. Whatever goes wrong within leaves no new and empty one behind."""
    place = Destination(None if option is None else _absolute(option))
    try:
        if option is not None and place.path is not None:
            _make(place.path, option, place.made)
            place.path = place.path.resolve()  # now: the job may be able to put a link on the way
        yield place
    finally:
        with suppress(OSError):  # something stands in it
            for folder in reversed(place.made):
                folder.rmdir()


def _absolute(option: str) -> Path:
    if not option:
        raise UsageError("-o '' names no directory", hint=YOURS)
    try:
        return Path(option).absolute()
    except OSError as error:  # the current directory is gone
        raise UsageError(f"-o {quoted(option)} can't be made: {error.strerror}", hint=YOURS) from None


def _make(path: Path, option: str, made: list[Path]) -> None:
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.is_dir():
                folder.mkdir()
                made.append(folder)
    except FileExistsError:
        why = "is not a directory" if os.path.lexists(path) else "can't be made: Not a directory"
        hint = "name a directory, or remove what stands there"
        raise UsageError(f"-o {quoted(option)} {why}", hint=hint) from None
    except OSError as error:
        raise UsageError(f"-o {quoted(option)} can't be made: {error.strerror}", hint=YOURS) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(f"-o {quoted(option)} can't be written", hint=YOURS)
