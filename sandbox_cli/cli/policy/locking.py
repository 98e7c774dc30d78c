"""`sandbox policy lock`: what a folder's policies say, written down for --locked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import output, whole
from sandbox_cli.cli.options import Json
from sandbox_cli.errors import HostError, PolicyError, UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.cli.policy.shapes import LockChange, PolicyLock


def lock(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A folder of policies.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where the lock is not what would be written.")
    ] = False,
    json: Json = False,
) -> int:
    """Write the digest of each policy of a folder.

    They stand in DIR/policies.lock. Then --locked refuses to run anything under one that says something else. The
    digest is that of the whole policy, with all that it extends. Nothing is written where one of them can't be loaded.
    """
    from sandbox_cli.policy import lock as locks

    place = Path(folder)
    found = _digests(place)
    text = locks.text(found).encode()
    file = place / locks.NAME
    changes = _changes(_before(place, check=check), found)
    written = not check and not _says(file, text)
    if written:
        _write(file, text)
    if json:
        answer: PolicyLock = {"file": str(file), "written": written, "policies": found, "changes": changes}
        output.say(output.as_line(answer))
    else:
        _tell(file, changes, len(found), written=written)
    return 1 if check and changes else 0


def _digests(folder: Path) -> dict[str, str]:
    from sandbox_cli.policy import lock as locks

    try:
        found = locks.digests(folder)
    except NotADirectoryError:
        raise UsageError(
            f"{quoted(str(folder))} is no folder", hint="name the folder that the policies are in"
        ) from None
    except OSError as error:
        hint = "name a folder of policies that this account can read"
        raise UsageError(f"{quoted(str(folder))} can't be read: {error.strerror}", hint=hint) from None
    if not found:
        raise UsageError(f"there are no policies in {quoted(str(folder))}", hint="they are called NAME.yaml")
    return found


def _before(folder: Path, *, check: bool) -> Mapping[str, str]:
    """What is locked so far. To be written anew, a lock need not be one."""
    from sandbox_cli.policy import lock as locks

    try:
        return locks.locked(folder) or {}
    except PolicyError:
        if check:
            raise
        return {}


def _says(file: Path, text: bytes) -> bool:
    try:
        return not file.is_symlink() and file.read_bytes() == text
    except OSError:
        return False


def _write(file: Path, text: bytes) -> None:
    try:
        whole.write(file, [text])
    except OSError as error:
        hint = "this account must be able to write the folder"
        raise HostError(f"can't write {quoted(str(file))}: {error.strerror}", hint=hint) from None


def _changes(before: Mapping[str, str], found: Mapping[str, str]) -> list[LockChange]:
    differing = [name for name in sorted({*before, *found}) if before.get(name) != found.get(name)]
    return [{"policy": name, "locked": before.get(name), "found": found.get(name)} for name in differing]


def _tell(file: Path, changes: list[LockChange], count: int, *, written: bool) -> None:
    for each in changes:
        how = "new" if each["locked"] is None else "gone" if each["found"] is None else "changed"
        output.say(output.shown(f"{how:<7}  {each['policy']}  {each['found'] or each['locked']}"))
    state = "written" if written else "out of date" if changes else "up to date"
    output.say(output.shown(f"{file}: {count} {'policy' if count == 1 else 'policies'}, {state}"))
