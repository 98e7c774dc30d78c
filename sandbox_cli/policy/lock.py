"""`policies.lock`: the digests of the policies of its folder, each by the name of its file.

A digest is that of the merged policy, so a lock also holds what its policies extend, wherever that comes from. Whoever
can write the folder can write the lock: it holds what was reviewed, and is no signature.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import PolicyError, RefusedError
from sandbox_cli.policy import loading, places, reading, scalars
from sandbox_cli.policy.layers import read
from sandbox_cli.policy.nodes import compose
from sandbox_cli.policy.shape import Leaf, Record, Table
from sandbox_cli.text import spelled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Policy
    from sandbox_cli.policy.nodes import Scalar

NAME = "policies.lock"
_HEAD = """\
# What each policy here says, for --locked. `sandbox policy lock` writes this file: review what changes, edit nothing.
version: 1
policies:
"""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def digests(folder: Path) -> dict[str, str]:
    """The digest of each policy in `folder`, by the name of its file.

    Raises OSError, and PolicyError where one of them can't be loaded.
    """
    files = sorted(path for path in folder.iterdir() if places.is_named(path.name))
    return {path.name: loading.load(str(path)).digest for path in files}


def text(found: Mapping[str, str]) -> str:
    """A lock of these digests."""
    return _HEAD + "".join(f"  {name}: {digest}\n" for name, digest in found.items())


def locked(folder: Path) -> dict[str, str] | None:
    """What the lock of `folder` says; None where there is none."""
    found = places.by_path(folder / NAME)
    if not os.path.lexists(found.path):
        return None
    try:
        return _parsed(reading.read(found.path, guarded=found.guarded), str(found.path))
    except PolicyError as error:
        if error.line is None:
            raise
        place = {"line": error.line, "column": error.column}
        hint = f"`{_command(folder)}` writes it anew"  # and nobody by hand
        raise PolicyError(error.message, file=error.file, clause=error.clause, hint=hint, **place) from None


def _parsed(said: str, file: str) -> dict[str, str]:
    root = compose(said, file)
    if root is None:
        raise PolicyError("the lock is empty", file=file, line=1, column=1)
    entries = {entry.path[1]: entry.value for entry in read(_GRAMMAR, root) if len(entry.path) > 1}
    return {name: digest for name, digest in entries.items() if isinstance(digest, str)}


def check(policy: Policy) -> None:
    """Refuses a policy that isn't in the lock beside its file, with just the digest that it has."""
    file = Path(policy.files[0])
    expected = locked(file.parent)
    named = f"policy {policy.name} ({file})"
    if expected is None:
        raise RefusedError(f"{named} is not locked: there is no {file.parent / NAME}", hint=_renew(file.parent))
    if file.name not in expected:
        rename = f"a lock holds what can be had by name: call it as in reports{places.SUFFIX}"
        hint = _renew(file.parent) if places.is_named(file.name) else rename
        raise RefusedError(f"{named} is not in {file.parent / NAME}", hint=hint)
    if expected[file.name] != policy.digest:
        message = f"{named} is not what was locked: expected {expected[file.name]}, found {policy.digest}"
        raise RefusedError(message, hint=_renew(file.parent))


def _renew(folder: Path) -> str:
    return f"`sandbox policy show` has what it says now; `{_command(folder)}` locks that"


def _command(folder: Path) -> str:
    return f"sandbox policy lock {shlex.quote(str(folder))}"


def _file(scalar: Scalar, clause: str) -> str:
    name = scalars.filled(scalar, clause)
    if not places.is_named(name):
        raise scalar.spot.error(f"{spelled(name)} is not the file of a policy", clause=clause)
    return name


def _digest(scalar: Scalar, clause: str) -> str:
    digest = scalars.filled(scalar, clause)
    if not _DIGEST.fullmatch(digest):
        raise scalar.spot.error(f"{spelled(digest)} is no digest", clause=clause)
    return digest


_GRAMMAR = Record({"version": Leaf(scalars.version), "policies": Table(_file, Leaf(_digest))})
