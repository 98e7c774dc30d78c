"""-C: a directory of the caller's as what the job works in, at its own path, where the policy allows it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import RefusedError, UsageError
from sandbox_cli.host import access, accounts
from sandbox_cli.plan import repository, view
from sandbox_cli.plan.limits import blame, by_option
from sandbox_cli.plan.words import place
from sandbox_cli.policy.model import Mount
from sandbox_cli.policy.mounts import covering
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame

    Mounts = dict[str, Mount]
    Mode = Literal["ro", "rw"]

CLAUSE = "workspace"
A_PROJECT = "name the directory of one project"
_ALONE = ("/", "/home", "/tmp", "/usr", "/var", "/var/tmp")  # noqa: S108 (below them stands what is somebody's own)
_NEVER = ("/bin", "/boot", "/dev", "/etc", "/proc", "/run", "/sandbox", "/sbin", "/sys")  # nor anything below
_MEDIA = "/run/media/"  # but for what a desktop mounts there
_SCRATCH = re.compile(r"/tmp/sandbox-\d+-\d+-\d+-[0-9a-f]+(/.*)?")  # noqa: S108 (run/names.py)


class Workspace(NamedTuple):
    """`mounts` are the directory, and what of its repository a job must not change; `unwanted` is what of that isn't
    there, and must not stay when the job has made it. `owner` is whom root's job runs as."""

    directory: str
    mode: Mode
    mounts: Mounts
    unwanted: Sequence[str]
    owner: tuple[int, int] | None
    identity: tuple[int, int] = (0, 0)  # device and inode: what the job works in must be just that


def of_job(option: str | None, policy: Policy, host: Host) -> Workspace | None:
    """What `DIR[:ro]` means here. Raises UsageError and RefusedError."""
    if option is None:
        return None
    name, mode = _divided(option)
    path = _resolved(name)
    _allowed(policy, name, mode)
    _refuse_system(path, host)
    mounts, unwanted = repository.guarded(path, _homes(str(path), host)) if mode == "rw" else ({}, [])
    return Workspace(
        directory=str(path),
        mode=mode,
        mounts={str(path): Mount(mode=mode, source=str(path)), **mounts},
        unwanted=unwanted,
        owner=_owner(path) if host.root else None,
        identity=(path.stat().st_dev, path.stat().st_ino),
    )


def stand(workspace: Workspace, mounts: Mounts, policy: Policy) -> Mounts:
    """`mounts` with those of the workspace, parents first. Raises RefusedError where one stands in the way."""
    path = Path(workspace.directory)
    for other, mount in mounts.items():
        inner = Path(other)
        shows_itself = mount.mode in {"ro", "rw"} and mount.source in {None, other}
        if inner == path and (not shows_itself or (mount.mode, workspace.mode) == ("ro", "rw")):
            raise _conflict(
                workspace, f"policy {policy.name} mounts it by itself", blame(policy, f"filesystem.{other}")
            )
        wished = blame(policy, f"filesystem.{other}")["source"] == "option"  # --venv, as much the caller's own
        if path in inner.parents and not wished and not (shows_itself and (workspace.mode, mount.mode) == ("ro", "ro")):
            why = f"{other} lies in it, which policy {policy.name} mounts by itself"
            raise _conflict(workspace, why, blame(policy, f"filesystem.{other}"))
    above = covering(str(path.parent), mounts)
    if above is not None and mounts[above].mode != "tmpfs":
        shown = view.on_host(str(path), mounts) == path
        if not shown or (mounts[above].mode, workspace.mode) == ("ro", "rw"):
            how = "read-only" if shown else "as something else"
            why = f"it lies in {above}, which policy {policy.name} shows {how}"
            raise _conflict(workspace, why, blame(policy, f"filesystem.{above}"))
    return dict(sorted({**mounts, **workspace.mounts}.items(), key=lambda item: Path(item[0]).parts))


def _divided(option: str) -> tuple[str, Mode]:
    """A name with a colon that exists as a whole is a DIR; else what follows the last colon is its mode."""
    if not option or os.path.lexists(option) or ":" not in option:
        return option, "rw"
    name, _, mode = option.rpartition(":")
    if mode == "ro":
        return name, "ro"
    if mode == "rw":
        return name, "rw"
    raise _unusable(f"{quoted(option)} is no DIR[:ro]", f"write -C {name}:ro for a directory that stays as it is")


def _resolved(name: str) -> Path:
    """Absolute and without links: what stands there now is what the job gets."""
    try:
        path = Path(name or "\0").resolve(strict=True)
        is_folder = path.is_dir() and os.access(path, os.X_OK)
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        raise _unusable(f"{quoted(name)} has a name that is not UTF-8", "rename it") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it names no directory"
        raise _unusable(f"{quoted(name)}: {why}", "name a directory that is there") from None
    if not is_folder:
        why = "can't be entered" if path.is_dir() else "is not a directory"
        raise _unusable(f"{quoted(name)} {why}", "name a directory of yours")
    if any(character < " " or character in "\x7f\x85\u2028\u2029" for character in str(path)):
        raise _unusable(f"{quoted(str(path))} holds a control character or a line separator", "rename it")
    return path


def _allowed(policy: Policy, name: str, mode: Mode) -> None:
    said = blame(policy, CLAUSE)
    if policy.workspace == "none":
        hint = f"say `workspace: ro` or `workspace: rw` in {place(said)}, or copy it with -f"
        raise RefusedError(f"policy {policy.name} allows no directory of yours", hint=hint, blame=said)
    if policy.workspace == "ro" and mode == "rw":
        hint = f"write -C {name}:ro, or say `workspace: rw` in {place(said)}"
        raise RefusedError(f"policy {policy.name} allows a directory of yours to be read alone", hint=hint, blame=said)


def _refuse_system(path: Path, host: Host) -> None:
    name = str(path)
    below = any(path.is_relative_to(each) for each in _NEVER) and not name.startswith(_MEDIA)
    if name in _ALONE or below or path.parts[1].startswith("lib"):
        raise _refused(f"{path} is the system's own", A_PROJECT)
    if _SCRATCH.fullmatch(name):
        raise _refused(f"{path} is the scratch of another job", A_PROJECT)
    for point in map(Path, host.group_mounts):
        if path.is_relative_to(point) or point.is_relative_to(path):
            raise _refused(f"{path} holds the control groups of {point}, which hold jobs to their limits", A_PROJECT)


def _owner(path: Path) -> tuple[int, int]:
    """The account and group that root's job has: those of the directory's owner, who must be nobody special."""
    found = path.stat()
    uid = found.st_uid
    name = access.user_name(uid)
    if uid == 0:
        hint = "give it to the account that is to own what the job makes (chown -R), or start as that account"
        raise _refused(f"{path} belongs to root, who never enters a jail", hint)
    if uid in accounts.OVERFLOW_UIDS:
        raise _refused(f"{path} belongs to {name}, an account that daemons share", "give it to an account of its own")
    gid = accounts.group_of(uid) or found.st_gid
    if gid == 0:
        raise _refused(f"{path} belongs to {name}, whose group is root's", "give the directory another group (chgrp)")
    if (part := access.closed(path, access.Account(uid, frozenset({gid})))) is not None:
        raise _refused(f"{part} is closed to {name}, to whom {path} belongs", "open the way there (chmod o+x)")
    return uid, gid


def refuse_accounts_of_jobs(workspace: Workspace, uid_range: tuple[int, int]) -> None:
    """Another job may have such an account now: nothing but a directory of its own owner keeps them apart."""
    first, last = uid_range
    if workspace.owner is not None and first <= workspace.owner[0] <= last:
        uid = workspace.owner[0]
        raise _refused(f"{workspace.directory} belongs to uid {uid} of uid_range, which is for jobs", "chown it")


def is_home(directory: str, host: Host) -> bool:
    """Whether it is the home of who asks, or of its owner, or holds one of them."""
    return any(home.is_relative_to(directory) for home in _homes(directory, host))


def _homes(directory: str, host: Host) -> list[Path]:
    """Those of who asks, and of the directory's owner."""
    owner = host.owner(directory)
    homes = {host.home, accounts.home_of(owner) if owner is not None else None} - {"/", "", None}
    return [Path(home).resolve() for home in sorted(filter(None, homes))]


def _conflict(workspace: Workspace, why: str, said: Blame) -> RefusedError:
    read = f", or -C {workspace.directory}:ro" if workspace.mode == "rw" else ""
    return RefusedError(
        f"-C {workspace.directory}: {why}", hint=f"name another directory{read} ({place(said)})", blame=said
    )


def _refused(why: str, hint: str) -> RefusedError:
    return RefusedError(why, hint=hint, blame=by_option(CLAUSE))


def _unusable(why: str, hint: str) -> UsageError:
    return UsageError(f"-C {why}", hint=hint, blame=by_option(CLAUSE))
