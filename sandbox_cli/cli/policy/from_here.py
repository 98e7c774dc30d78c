"""Files as they are written from the current directory, where they lie below it: as editors and reviews name them."""

from __future__ import annotations

from pathlib import Path


def shown_path(file: str) -> str:
    folder, path = here(), Path(file)
    return str(path.relative_to(folder)) if folder is not None and path.is_relative_to(folder) else file


def here() -> Path | None:
    """The current directory; None where it is gone."""
    try:
        return Path.cwd()
    except OSError:
        return None
