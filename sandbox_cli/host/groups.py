"""Which control groups this process could make below its own: found by making one, since a look can deceive."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

CONTROLLERS = ("memory", "pids", "cpu")


class GroupFacts(TypedDict):
    """`version` is that of the controllers which bound a job; `writable` those of them that we may use."""

    version: Literal["v1", "v2"] | None
    own: str | None  # this process's group (v1: of the first controller)
    writable: list[str]


class _Mount(NamedTuple):
    kind: str  # cgroup, cgroup2
    root: str  # what of the hierarchy stands there
    point: Path
    controllers: frozenset[str]


def look_at_groups() -> GroupFacts:
    mounts, own = _mounts(), _own()
    unified = next((mount for mount in mounts if mount.kind == "cgroup2"), None)
    if unified and (group := _group(unified, own.get("", "/"))):
        offered = [name for name in _words(group / "cgroup.controllers") if name in CONTROLLERS]
        if offered:
            return {"version": "v2", "own": str(group), "writable": offered if _can_divide(group) else []}
    groups: dict[str, Path] = {}
    for name in CONTROLLERS:
        mount = next((mount for mount in mounts if name in mount.controllers), None)
        if mount and (group := _group(mount, own.get(name, "/"))):
            groups[name] = group
    return {
        "version": "v1" if groups else None,
        "own": str(next(iter(groups.values()))) if groups else None,
        "writable": [name for name, group in groups.items() if _can_divide(group)],
    }


def _mounts() -> list[_Mount]:
    found: list[_Mount] = []
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines():
        place, _, kind = line.partition(" - ")
        if kind.startswith("cgroup"):
            _, _, _, root, point, *_ = place.split(" ")
            fields = kind.split(" ")
            found.append(_Mount(fields[0], root, Path(point), frozenset(fields[2].split(","))))
    return found


def _own() -> dict[str, str]:
    """Our group by controller; that of cgroup v2 by the empty name."""
    found: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text(encoding="utf-8", errors="replace").splitlines():
        _, controllers, path = line.split(":", 2)
        found |= dict.fromkeys(controllers.split(","), path)
    return found


def _group(mount: _Mount, own: str) -> Path | None:
    """Our group's folder, where the mount shows it: a container sees but a part of the hierarchy."""
    below = os.path.relpath(own, mount.root)
    folder = mount.point if below == "." or below.startswith("..") else mount.point / below
    return folder if folder.is_dir() else None


def _can_divide(group: Path) -> bool:
    trial = group / f"sandbox-trial-{os.getpid()}"
    try:
        trial.mkdir()
        trial.rmdir()
    except OSError:
        return False
    return True


def _words(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="ascii").split()
    except OSError:
        return []
