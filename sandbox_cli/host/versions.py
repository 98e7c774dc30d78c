"""Whether a jailer that was found is new enough: by what its wheel states of it, or by asking it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.host import access
from sandbox_cli.host.ask import ask_once, is_older
from sandbox_cli.host.model import Problem

if TYPE_CHECKING:
    from sandbox_cli.backends.base import Backend

UNKNOWN = "unknown"  # new enough, but it can't tell its version
BUNDLED = 'pip install "sandbox-jail[bundled]"'
_STATED = re.compile(r'^__\w*version__[^=]*= *"(\d+(?:\.\d+)+)"$', re.MULTILINE)


def version(backend: Backend, program: Path, package: Path | None) -> tuple[str, Problem | None]:
    """The version of `program`, and why it will not do; `package` is that of the wheel that it comes in."""
    found = _stated(backend, package)
    if found is None:
        answer = ask_once(program, backend.QUESTION) or ""
        found = _told(backend, answer)
        if found is None:
            return UNKNOWN, _no_version(backend, program, answer)
    if found != UNKNOWN and is_older(found, backend.MINIMUM):
        return found, Problem(f"{program} is {backend.NAME} {found}: too old", how_to_get(backend))
    return found, None


def how_to_get(backend: Backend) -> str:
    """What would bring a jailer that is missing or too old."""
    needed = f"install {backend.NAME} {'.'.join(map(str, backend.MINIMUM))} or newer"
    ways = installs(backend)
    return f"{needed}: {ways}" if ways else needed


def installs(backend: Backend) -> str:
    """The commands that install it."""
    return ", or ".join([*([backend.INSTALL] if backend.INSTALL else []), *([BUNDLED] if backend.WHEEL else [])])


def _stated(backend: Backend, package: Path | None) -> str | None:
    """The version that a wheel states of its jailer: no process is needed to read it."""
    name = backend.WHEEL["version_file"] if backend.WHEEL else None
    file = package / name if package and name else None
    line = _STATED.search(file.read_text(encoding="utf-8")) if file and access.is_file(file) else None
    return line[1] if line else None


def _told(backend: Backend, answer: str) -> str | None:
    for line in answer.splitlines():
        if said := re.fullmatch(backend.ANSWER, line):
            return said[1] if said.groups() else UNKNOWN
    return None


def _no_version(backend: Backend, program: Path, answer: str) -> Problem:
    """Too old, or it can't even start here, and then its own words say why."""
    report = backend.read(None, answer.encode())
    if report["failed"] is not None:
        return Problem(f"{program} fails when asked {backend.QUESTION}: {report['failed']}", report["hint"])
    reason = f"{program} doesn't say a version that is new enough when asked {backend.QUESTION}"
    return Problem(reason, how_to_get(backend))
