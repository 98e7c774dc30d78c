"""What a job and a ceiling show of this host, brought to where the two can be compared.

The order of policies is over what is written. A mount follows the host's symbolic links, though: one below a folder
that a ceiling shows may lead anywhere. So both sides are told by what really stands behind their paths; an optional
mount shows what is there, no more; and a link that a jail makes shows nothing by itself.
"""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from sandbox_cli.plan import view
from sandbox_cli.policy.mounts import covering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Mount

    Mounts = Mapping[str, Mount]


def of_ceiling(mounts: Mounts, links: Mapping[str, str]) -> dict[str, Mount]:
    """`links` are the host's own at the top, /bin -> usr/bin, through which no mount is made."""
    links = {} if "/" in mounts else links
    told = {
        view.through(path, links): _real(mount).model_copy(update={"optional": True}) for path, mount in mounts.items()
    }
    return {**_hidden_behind_links(told), **told}


def of_job(mounts: Mounts, allowed: Mounts) -> dict[str, Mount]:
    """`allowed` is what the ceiling has, as told above."""
    shown = {path: _real(mount) for path, mount in mounts.items() if mount.mode != "symlink"}
    told: dict[str, Mount] = {}
    for path, each in shown.items():
        mount = each.model_copy(update={"optional": False})
        there = _behind_links(path, mount, shown, allowed)
        # Two links to one folder may show it in two ways: what can't be told of its own place is told of the link.
        told[there if told.get(there, mount) == mount else path] = mount
    return told


def _hidden_behind_links(told: Mounts) -> dict[str, Mount]:
    """What is closed at a path that leads through a link, below a folder that is shown, is so where the link leads."""
    found: dict[str, Mount] = {}
    for path, mount in told.items():
        above = covering(posixpath.dirname(path), told) if path != "/" and mount.mode != "rw" else None
        top = told[above].source if above is not None and told[above].mode in {"ro", "rw"} else None
        if above is None or top is None:
            continue
        real = os.path.realpath(posixpath.join(top, posixpath.relpath(path, above)))
        if real.startswith(f"{top.rstrip('/')}/"):
            found[posixpath.normpath(posixpath.join(above, posixpath.relpath(real, top)))] = mount
    return found


def _real(mount: Mount) -> Mount:
    if mount.mode not in {"ro", "rw"} or mount.source is None:
        return mount
    return mount.model_copy(update={"source": os.path.realpath(mount.source)})


def _behind_links(path: str, mount: Mount, shown: Mounts, allowed: Mounts) -> str:
    """Where the ceiling shows the same, by the host's links on the way there: /usr/lib64/x, which is /usr/lib/x."""
    above = covering(path, allowed)
    top = allowed[above].source if above is not None and allowed[above].mode in {"ro", "rw"} else None
    if above is None or top is None or mount.source is None or mount.mode == "tmpfs":
        return path
    written = posixpath.normpath(posixpath.join(top, posixpath.relpath(path, above)))
    if os.path.realpath(written) != mount.source or not f"{mount.source}/".startswith(f"{top.rstrip('/')}/"):
        return path
    real = posixpath.normpath(posixpath.join(above, posixpath.relpath(mount.source, top)))
    return path if real in shown else real
