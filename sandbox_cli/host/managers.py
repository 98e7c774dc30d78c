"""Where the version managers keep what they install: a row each, and nothing of their own settings.

Their folders belong to the account that asks. As root they are looked at like any other file: what
somebody else could replace is not run (see runtimes.py).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Manager(NamedTuple):
    """`programs` are globs below the folder that `variable` names, else below `folder` of the account's home."""

    name: str
    variable: str | None
    folder: str | None
    programs: tuple[str, ...]


MANAGERS = (
    Manager("pyenv", "PYENV_ROOT", ".pyenv", ("versions/*/bin",)),
    Manager("uv", "UV_PYTHON_INSTALL_DIR", None, ("*/bin",)),
    Manager("uv", "XDG_DATA_HOME", ".local/share", ("uv/python/*/bin",)),
    Manager("nvm", "NVM_DIR", ".nvm", ("versions/node/*/bin",)),
    Manager("fnm", "FNM_DIR", ".local/share/fnm", ("node-versions/*/installation/bin",)),
    Manager("sdkman", "SDKMAN_DIR", ".sdkman", ("candidates/*/*/bin",)),
    Manager("rbenv", "RBENV_ROOT", ".rbenv", ("versions/*/bin",)),
    Manager("rustup", "RUSTUP_HOME", ".rustup", ("toolchains/*/bin",)),
    Manager("asdf", "ASDF_DATA_DIR", ".asdf", ("installs/*/*/bin",)),
    Manager("mise", "MISE_DATA_DIR", ".local/share/mise", ("installs/*/*/bin",)),
    Manager("conda", None, None, ("miniconda3/bin", "miniforge3/bin", "anaconda3/bin")),
    Manager("conda", None, None, ("miniconda3/envs/*/bin", "miniforge3/envs/*/bin", "anaconda3/envs/*/bin")),
)


def managed(environ: Mapping[str, str], home: Path) -> list[Path]:
    """The folders of programs of all managers, the newest version of each first."""
    return [
        folder
        for manager in MANAGERS
        if (top := _top(manager, environ, home)) is not None
        for pattern in manager.programs
        for folder in newest_first(_globbed(top, pattern))
    ]


def listed(patterns: Iterable[str]) -> list[Path]:
    """The folders that a policy's own globs name; they are absolute."""
    return [folder for pattern in patterns for folder in newest_first(_globbed(Path("/"), pattern.lstrip("/")))]


def newest_first(folders: Iterable[Path]) -> list[Path]:
    """By the numbers in their names: 3.12.10 is newer than 3.12.9."""
    return sorted(folders, key=lambda folder: [int(number) for number in re.findall(r"\d+", str(folder))], reverse=True)


def _top(manager: Manager, environ: Mapping[str, str], home: Path) -> Path | None:
    said = environ.get(manager.variable, "") if manager.variable else ""
    if said.startswith("/"):
        return Path(said)
    if manager.folder is None and manager.variable is not None:
        return None
    return home / (manager.folder or "")


def _globbed(top: Path, pattern: str) -> list[Path]:
    try:
        return [folder for folder in top.glob(pattern) if folder.is_dir()]
    except OSError:  # a folder on the way is closed to us
        return []
