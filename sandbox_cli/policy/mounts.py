"""What may stand where in the jail.

Paths of the jail and of the host (`from`) are absolute: a policy means the same wherever its file lies,
and `~` would be another folder for each account.
"""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from sandbox_cli.policy import scalars
from sandbox_cli.policy.spelling import hint as spelling_hint
from sandbox_cli.policy.written import ABSOLUTE, among, matching, written

if TYPE_CHECKING:
    from collections.abc import Container

    from sandbox_cli.errors import PolicyError
    from sandbox_cli.policy.nodes import Scalar, Spot
    from sandbox_cli.policy.scalars import Value

SHORT = ("ro", "rw", "tmpfs")
ALWAYS = {
    "/proc": "the job's own /proc is always there, and is no clause",
    "/dev": "a minimal /dev is always there, and is no clause",
    "/sandbox": "the job's scratch stands there",
}
OURS = {"proc", "dev", "sys", "sandbox"}  # top-level names that every jail makes itself, or never shows of a whole root
MADE = ("/etc/passwd", "/etc/group", "/etc/hosts")
_TAKEN = f"(?!({'|'.join(ALWAYS)})(/|$))(?!({'|'.join(MADE)})$)"
LONGEST_PATH = 4096 - 32  # bytes: what Linux takes, less what a jailer and the seal put before it


@written(matching("a path of the jail", _TAKEN + ABSOLUTE))
def target(scalar: Scalar, clause: str) -> str:
    """A key of `filesystem`: an absolute, normal path of the jail that a policy may fill."""
    path = absolute(scalar, clause, "a path in the jail")
    for taken, why in ALWAYS.items():
        if path == taken or path.startswith(taken + "/"):
            raise scalar.spot.error(f"{path} can't be a mount: {why}", clause=clause, hint="remove the line")
    if path in MADE:
        message = f"{path} can't be a mount: it is made anew for each job"
        raise scalar.spot.error(message, clause=clause, hint="remove the line")
    return path


@written(matching("an absolute path", ABSOLUTE))
def source(scalar: Scalar, clause: str) -> str:
    """`from`: an absolute, normal path of the host."""
    return absolute(scalar, clause, "a path of the host")


@written(matching("an absolute path, with * and ?", ABSOLUTE))
def folders(scalar: Scalar, clause: str) -> str:
    """Folders of the host, as a glob: /opt/go*/bin."""
    return absolute(scalar, clause, "a folder of the host")


@written(among(SHORT))
def long_form(scalar: Scalar, path: str, clause: str) -> dict[str, Value]:
    """`ro`, `rw` and `tmpfs` in full: the host's own path, which must be there, or a bounded tmpfs."""
    if scalar.special or scalar.text not in SHORT:
        hint = spelling_hint(scalar.text, SHORT)
        message = f"{scalar.text!r} is no mount: it is ro, rw, tmpfs, {{from: ...}}, {{symlink: ...}} or null"
        raise scalar.spot.error(message, clause=clause, hint=hint)
    if scalar.text != "tmpfs":
        return {"mode": scalar.text, "from": path, "optional": False}
    if path == "/":
        raise no_root_of_its_own(scalar.spot, clause)
    return {"mode": "tmpfs"}


def no_root_of_its_own(spot: Spot, clause: str) -> PolicyError:
    return spot.error("the root of the jail can't be a tmpfs", clause=clause, hint="name a folder, as in /tmp")


def absolute(scalar: Scalar, clause: str, what: str) -> str:
    """An absolute, normal path; `what` says in a message which one it is."""
    path = scalars.filled(scalar, clause)
    if not path.startswith("/"):
        hint = f"{what} is absolute: write /{path.removeprefix('~').lstrip('/.')}, or the whole path"
        raise scalar.spot.error(f"{path!r} is not absolute", clause=clause, hint=hint)
    if ".." in path.split("/"):
        raise scalar.spot.error(f"{path!r} holds ..", clause=clause, hint=f"write {normal(path)}, if that is meant")
    if path != normal(path):
        raise scalar.spot.error(f"{path!r} is not in its normal form", clause=clause, hint=f"write {normal(path)}")
    if len(path.encode()) >= LONGEST_PATH or any(len(name.encode()) > 255 for name in path.split("/")):
        raise scalar.spot.error("the path is longer than a jail can have", clause=clause)
    return path


def normal(path: str) -> str:
    """Its normal form, with one slash at its beginning."""
    return "/" + posixpath.normpath(path).lstrip("/")


def covering(path: str, mounts: Container[str]) -> str | None:
    """The mount that `path` lies in: its own, or the nearest above."""
    wanted = PurePosixPath(path)
    return next((str(each) for each in (wanted, *wanted.parents) if str(each) in mounts), None)
