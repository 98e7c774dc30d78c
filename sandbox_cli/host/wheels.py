"""Jailers that come in a Python wheel: found without importing the package."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path


def find(package: str) -> Path | None:
    """The resolved folder of an installed package.

    The current directory doesn't count, even where Python would import from it: an untrusted
    clone must not bring its own jailer.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:  # it was removed
        here = Path("/")
    places = [place for place in sys.path if Path(place).is_absolute() and Path(place).resolve() != here]
    spec = PathFinder.find_spec(package, places)
    folders = (spec.submodule_search_locations or []) if spec else []
    return next((Path(folder).resolve() for folder in folders), None)


def libraries(package: Path, distribution: str) -> list[Path]:
    """What auditwheel put beside the package for its programs to load: their RPATH leads there."""
    folder = package.parent / (distribution.replace("-", "_") + ".libs")
    return [folder, *folder.iterdir()] if folder.is_dir() else []
