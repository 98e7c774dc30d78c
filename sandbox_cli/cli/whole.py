"""Writing a file whole or not at all: a reader never sees half of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def write(path: Path, content: Iterable[bytes]) -> None:
    """Put `content` in the place of `path`, a link too, which isn't followed. Raises OSError."""
    half = beside(path)
    try:
        with half.open("xb") as file:
            file.writelines(content)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """A name in the same folder that nobody has."""
    return path.with_name(f".{path.name[:100]}.{os.urandom(6).hex()}")
