"""Reading /proc/PID/mountinfo (proc(5)), and paths that lie in one another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def mount_modes(text: str) -> dict[str, str]:
    """Mount point -> ro | rw, the topmost where several stand on one another."""
    modes = {}
    for line in text.splitlines():
        fields = line.split(" ")
        options = {*fields[5].split(","), *fields[-1].split(",")}
        modes[_path(fields)] = "ro" if "ro" in options else "rw"
    return modes


def noexec(text: str) -> set[str]:
    """The mount points below which nothing can be executed; of those that stand on one another the topmost counts."""
    found = {}
    for line in text.splitlines():
        fields = line.split(" ")
        found[_path(fields)] = "noexec" in fields[5].split(",")
    return {path for path, holds in found.items() if holds}


def _path(fields: list[str]) -> str:
    return re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])


def below(path: str, above: str) -> bool:
    """Whether `path` is `above` or lies in it."""
    return path == above or path.startswith(above.rstrip("/") + "/")


def lie_in_one(one: str, other: str) -> bool:
    """Whether one of the two lies in the other."""
    return below(one, other) or below(other, one)


def covering(path: str, above: Iterable[str]) -> str | None:
    """The outermost of `above` that `path` is or lies in."""
    return min((each for each in above if below(path, each)), key=len, default=None)
