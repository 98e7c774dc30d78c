"""What stands at a path of the jail: its mounts walked as the kernel would walk them there."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sandbox_cli.policy.mounts import covering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Mount

MOST_LINKS = 40  # the kernel's own bound


def locate(path: str, mounts: Mapping[str, Mount]) -> Path | None:
    """The host's path of what the job finds at `path`; None where it finds nothing of the host's.

    A symbolic link leads to where it leads *in the jail*: /usr/bin/awk -> /etc/alternatives/awk is nothing
    where /etc isn't shown.
    """
    pending = _steps(path)
    reached = PurePosixPath("/")
    links = 0
    while pending:
        name = pending.pop()
        if name == "..":
            reached = reached.parent
            continue
        target = _link(reached / name, mounts)
        if target is None:
            reached /= name
            continue
        links += 1
        if links > MOST_LINKS:
            return None
        if target.startswith("/"):
            reached = PurePosixPath("/")
        pending += _steps(target)
    found = on_host(str(reached), mounts)
    return found if found is not None and exists(found) else None


def on_host(path: str, mounts: Mapping[str, Mount]) -> Path | None:
    """The host's path behind `path`, whose own links are not followed; None where a tmpfs or nothing stands."""
    above = covering(path, mounts)
    if above is None or mounts[above].mode not in {"ro", "rw"}:
        return None
    return Path(mounts[above].source or above, PurePosixPath(path).relative_to(above))


def through(path: str, links: Mapping[str, str]) -> str:
    """/bin/x is /usr/bin/x where the host's /bin is a link: a jailer refuses a mount that goes through one."""
    parts = PurePosixPath(path).parts
    if len(parts) < 3 or parts[1] not in links:
        return path
    return str(PurePosixPath("/", links[parts[1]], *parts[2:]))


def shows(path: str, mounts: Mapping[str, Mount]) -> bool:
    """Whether anything is to be seen at `path`: something of the host's, a tmpfs, or a mount further down."""
    wanted = PurePosixPath(path)
    if any(wanted in (PurePosixPath(each), *PurePosixPath(each).parents) for each in mounts):
        return True
    return locate(path, mounts) is not None


def exists(path: Path) -> bool:
    """Whether it can be reached. (Path.exists raises PermissionError for what stands behind a closed folder.)"""
    try:
        path.stat()
    except OSError:
        return False
    return True


def _steps(path: str) -> list[str]:
    """The names of a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name not in {"", "."}]


def _link(path: PurePosixPath, mounts: Mapping[str, Mount]) -> str | None:
    """The target of the symbolic link at `path`; a mount's own point is never one, since its source is followed."""
    mount = mounts.get(str(path))
    if mount is not None:
        return mount.source if mount.mode == "symlink" else None
    found = on_host(str(path), mounts)
    if found is None:
        return None
    try:
        return str(found.readlink())
    except OSError:  # it is no link, or not there, or behind a closed folder
        return None
