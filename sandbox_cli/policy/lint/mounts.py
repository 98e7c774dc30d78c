"""Rules on `filesystem`: what of the host a job sees, what it can write, and mounts that change nothing."""

from __future__ import annotations

import functools
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sandbox_cli.policy.lint import paths
from sandbox_cli.policy.lint.found import Found, at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.policy.lint.checks import Check
    from sandbox_cli.policy.loading import Traced
    from sandbox_cli.policy.model import Mount

_MODES = {"ro": "read", "rw": "read and written"}


def visible(rule: str) -> Check:
    """The check of a rule that is about what stands at a mount's source."""
    return functools.partial(_visible, rule)


def writable(traced: Traced) -> Iterator[Found]:
    """Writable, and nothing there can be run."""
    yield from _writable(traced, noexec=True)


def writable_and_executable(traced: Traced) -> Iterator[Found]:
    yield from _writable(traced, noexec=False)


def hidden(traced: Traced) -> Iterator[Found]:
    """What lies below a symbolic link of the jail is looked for where that leads."""
    mounts = traced.policy.filesystem
    for path in mounts:
        for above in _parents(path):
            if above in mounts and mounts[above].mode == "symlink":
                message = f"{path} is never seen: {above} is a symbolic link to {mounts[above].source}"
                yield at_later(traced, path, above, message)


def redundant(traced: Traced) -> Iterator[Found]:
    mounts = traced.policy.filesystem
    order = {layer.file: rank for rank, layer in enumerate(traced.layers)}
    for path, mount in mounts.items():
        above = next((each for each in _parents(path) if each in mounts), None)
        if above is None or not _shows_same(path, mount, above, mounts):
            continue
        spots = [traced.merged.spot("filesystem", each) for each in (path, above)]
        inner, outer = (order[spot.file] if spot else 0 for spot in spots)
        if inner >= outer:  # else it was needed where it was written, and isn't that file's mistake
            message = f"{above} shows the same already, as {mount.mode}"
            yield at(spots[0], traced, f"filesystem.{path}", message)


def host_mounts(traced: Traced) -> Iterator[tuple[str, Mount, str]]:
    """Path in the jail, mount, path on the host."""
    for path, mount in traced.policy.filesystem.items():
        if mount.mode in _MODES:
            yield path, mount, mount.source or path


def named(path: str, source: str) -> str:
    return source if path == source else f"{source}, shown at {path},"


def _visible(rule: str, traced: Traced) -> Iterator[Found]:
    for path, mount, source in host_mounts(traced):
        kind = paths.kind(source)
        if kind is not None and kind.rule == rule:
            message = f"{named(path, source)} can be {_MODES[mount.mode]}: {kind.what}"
            said = traced.merged.said.get(("filesystem", path, "from"))
            spot = said.spot if said else traced.merged.spot("filesystem", path)
            yield at(spot, traced, f"filesystem.{path}", message)


def _writable(traced: Traced, *, noexec: bool) -> Iterator[Found]:
    for path, mount, source in host_mounts(traced):
        if mount.mode != "rw" or mount.noexec != noexec:
            continue
        said = traced.merged.said.get(("filesystem", path, "mode"))
        more = "" if noexec else ", and programs there can be run"
        message = f"{named(path, source)} can be written by every job{more}"
        yield at(said.spot if said else None, traced, f"filesystem.{path}", message)


def _shows_same(path: str, mount: Mount, above: str, mounts: Mapping[str, Mount]) -> bool:
    outer = mounts[above]
    if mount.mode not in _MODES or (outer.mode, outer.noexec) != (mount.mode, mount.noexec):
        return False
    if outer.optional and not mount.optional:
        return False
    inside = PurePosixPath(path).relative_to(above)
    return PurePosixPath(outer.source or above, inside) == PurePosixPath(mount.source or path)


def at_later(traced: Traced, one: str, other: str, message: str) -> Found:
    """At whichever of the two mounts was said last: it made the mistake."""
    order = {layer.file: rank for rank, layer in enumerate(traced.layers)}
    spots = {path: spot for path in (one, other) if (spot := traced.merged.spot("filesystem", path))}
    path = max(spots, key=lambda each: (order[spots[each].file], spots[each].line, spots[each].column), default=one)
    return at(spots.get(path), traced, f"filesystem.{path}", message)


def _parents(path: str) -> list[str]:
    return [str(each) for each in PurePosixPath(path).parents]
