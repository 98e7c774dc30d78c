"""The files that make a policy: what it extends, and what that extends.

Each file counts once, where it is first met, with what it extends before it: of two bases that both
extend `_base`, the second doesn't undo what the first says of it.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import guard, places, reading
from sandbox_cli.policy.layers import policy_layer
from sandbox_cli.policy.reading import ENOUGH, LARGEST
from sandbox_cli.policy.spelling import hint as spelling_hint

if TYPE_CHECKING:
    from sandbox_cli.policy.guard import Guard
    from sandbox_cli.policy.layers import Layer
    from sandbox_cli.policy.nodes import Spot
    from sandbox_cli.policy.places import Found
    from sandbox_cli.policy.revision import Revision

MOST_FILES = 64
MOST_TEXT = 4 * LARGEST
MOST_VALUES = 5000  # items of lists too: what merges and checks them is not all linear


def layers(found: Found) -> list[Layer]:
    """The layers of `found`, in the order in which they merge: itself last."""
    walk = _Walk(found.revision)
    walk.visit(found)
    return walk.layers


class _Walk:
    def __init__(self, revision: Revision | None) -> None:
        self._revision = revision  # also of what a name leads to from a file that isn't of it
        self.layers: list[Layer] = []
        self._done: set[str] = set()
        self._open: list[str] = []
        self._text = 0
        self._values = 0

    def visit(self, found: Found) -> None:
        layer = _layer(found)
        identity = _identity(found)
        self._done.add(identity)
        self._open.append(identity)
        if len(self._done) > MOST_FILES:
            raise PolicyError(f"the policy is made of more than {MOST_FILES} files", file=layer.file, clause="extends")
        self._count(layer)
        for name, spot in layer.extends:
            self._follow(found, name, spot)
        self._open.pop()
        self.layers.append(layer)

    def _count(self, layer: Layer) -> None:
        """Each file is bounded by itself: many that are just within it are too much."""
        self._text += layer.size
        self._values += layer.values
        if self._text > MOST_TEXT or self._values > MOST_VALUES:
            most = f"{MOST_TEXT >> 20} MiB" if self._text > MOST_TEXT else f"{MOST_VALUES} values"
            message = f"the policy and what it extends hold more than {most} together"
            raise PolicyError(message, file=layer.file, clause="extends", hint=ENOUGH)

    def _follow(self, found: Found, name: str, spot: Spot) -> None:
        base = _resolve(found, name, spot, self._revision)
        identity = _identity(base)
        if identity in self._open:
            circle = [*self._open[self._open.index(identity) :], identity]
            message = f"extends goes in a circle: {' -> '.join(Path(each).name for each in circle)}"
            raise spot.error(message, clause="extends", hint="let one of them extend something else")
        if identity not in self._done:
            self.visit(base)


def _resolve(found: Found, name: str, spot: Spot, revision: Revision | None) -> Found:
    if places.is_path(name):
        path = found.path.parent / name
        held = found.revision if found.revision and found.revision.covers(path) else None
        if not (held.exists(path) if held else os.path.lexists(path)):
            missing = held.shown(path) if held else path
            raise spot.error(f"there is no file {missing}", clause="extends", hint="a path is relative to this file")
        return places.by_path(path, trust=found.trust, guarded=found.guarded, revision=held)
    base = places.by_name(name, trust=found.trust, beside=found.path, revision=revision)
    if base is None:
        known = [each.name for each in places.available()]
        where = "that this file may rest on" if name in known else "here"
        raise spot.error(f"there is no policy {name!r} {where}", clause="extends", hint=_hint(name, known))
    return base


def _hint(name: str, known: list[str]) -> str:
    if name in known:
        return "a policy rests on policies from places that are trusted as much as its own, or more"
    return spelling_hint(name, known)


def _identity(found: Found) -> str:
    return found.revision.shown(found.path) if found.revision else os.path.realpath(found.path)


def _layer(found: Found) -> Layer:
    if found.revision:
        return found.revision.layer(found.path)
    try:
        status = found.path.stat()
    except OSError:
        return policy_layer(reading.read(found.path, guarded=found.guarded), str(found.path))  # reading says why
    guard.check(found.path, status, found.guarded)  # what was read before may be open to others by now
    stamp = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size, status.st_uid, status.st_mode)
    return _read(found.path, found.guarded, stamp)


@functools.lru_cache(maxsize=256)
def _read(path: Path, guarded: Guard, stamp: object) -> Layer:  # noqa: ARG001 (`stamp` is part of the cache's key)
    return policy_layer(reading.read(path, guarded=guarded), str(path))
