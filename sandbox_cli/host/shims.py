"""Programs that only start another one: which they are, and what is behind those of pyenv and its kin."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sandbox_cli.host import access

# They look at the name that they are called by: behind it stands any of hundreds of programs.
_BY_NAME = frozenset({"busybox", "toybox", "coreutils", "snap", "rustup", "ccache", "distcc", "volta-shim"})

_BY_HAND = (Path("/usr/local/bin"), Path("/usr/local/sbin"))  # where an administrator puts scripts


def is_script(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(2) == b"#!"
    except OSError:  # it can be executed, but not read
        return False


def leads_elsewhere(file: Path) -> bool:
    """Whether it is a script that starts something which may lie anywhere.

    Those of packages (ghc, mcs, tsc) start what the same package brings, and that is seen wherever they are.
    """
    is_packaged = file.is_relative_to("/usr") and file.parent not in _BY_HAND
    return is_script(file) and not is_packaged


def stands_for_another(file: Path) -> bool:
    return file.name in _BY_NAME


def real_programs(named: Path) -> list[Path]:
    """The real file behind a name; of a pyenv shim all that it can start, the one it would start first."""
    file = named.resolve()
    root = file.parent.parent
    if not (is_script(file) and file.parent.name == "shims" and (root / "versions").is_dir()):
        return [file]
    chosen = _chosen(root)
    versions = sorted((root / "versions").iterdir(), key=lambda folder: _order(folder.name, chosen))
    programs = [(folder / "bin" / named.name) for folder in versions]
    return [program.resolve() for program in programs if access.is_file(program)] or [file]


def _chosen(root: Path) -> list[str]:
    """The versions that are set for the whole account; what a current directory says is somebody else's choice."""
    if named := os.environ.get(f"{root.name.lstrip('.').upper()}_VERSION"):  # PYENV_VERSION, RBENV_VERSION
        return named.split(":")
    try:
        return (root / "version").read_text(encoding="utf-8").split()
    except OSError:
        return []


def _order(name: str, chosen: list[str]) -> tuple[int, list[int]]:
    """Those that are set, in their order; then the newest first."""
    numbers = [-int(number) for number in re.findall(r"\d+", name)]
    return (chosen.index(name) if name in chosen else len(chosen), numbers)
