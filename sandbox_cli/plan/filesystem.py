"""What the job sees: the policy's mounts brought to this host, in the order in which a jailer has to make them."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import HostError, RefusedError
from sandbox_cli.host import access
from sandbox_cli.plan import view
from sandbox_cli.plan.limits import blame
from sandbox_cli.plan.words import place
from sandbox_cli.policy.model import Mount
from sandbox_cli.policy.mounts import MADE, OURS, covering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.host.access import Account
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame

Mounts = dict[str, Mount]

BINDS = "/run/sandbox"  # root's: where `enter` binds what the job's account can't reach


class Shown(NamedTuple):
    """An interpreter: its real file, the prefix that it needs, and the links that lead to it (path and target)."""

    program: str
    prefix: str
    links: tuple[tuple[str, str], ...] = ()


def effective(policy: Policy, host: Host, runtime: Shown | None = None) -> Mounts:
    """The mounts of `policy` here, parents first, with those that `runtime` needs.

    Raises HostError where the host lacks what a clause names, RefusedError for what no job may have.
    """
    mounts = {path: _named(path, mount) for path, mount in policy.filesystem.items()}
    whole = mounts.pop("/", None)
    links = host.root_links if whole is None else {}
    if whole is not None:
        mounts = {**_root(policy, whole), **mounts}
    mounts = {path: mount for path, mount in mounts.items() if _exists(policy, path, mount)}
    written = {view.through(path, links): path for path in mounts}
    mounts = {path: mounts[said] for path, said in written.items()}
    mounts = _with_links(mounts, links)
    if runtime is not None:
        mounts = _with_links(_with_runtime(policy, mounts, runtime), links)
    mounts = {path: _resolved(path, mounts) for path in sorted(mounts, key=lambda path: PurePosixPath(path).parts)}
    said = {path: blame(policy, f"filesystem.{written.get(path, path)}") for path in mounts}
    mounts = {path: mount for path, mount in mounts.items() if _can_stand(path, mounts, said[path])}
    for path in mounts:
        _refuse_swappable(path, mounts, said[path])
        _refuse_groups(mounts[path], host, said[path])
    for path in MADE:
        _need_mount_point(path, mounts, said)
    return mounts


def reachable(mounts: Mounts, account: Account | None) -> tuple[Mounts, list[tuple[str, str]]]:
    """As root: what is closed to the job's `account` is bound to where it can be reached, by `enter`.

    Only the way there is opened: what the files themselves allow stays.
    """
    reached: Mounts = {}
    binds: dict[str, str] = {}
    for path, mount in mounts.items():
        source = None if account is None else _real(mount)
        if account is None or source is None or access.closed(source.parent, account, wanted=os.X_OK) is None:
            reached[path] = mount
            continue
        # Every job binds in a mount namespace of its own: all of them share a few mount points.
        kind = "bind" if source.is_dir() else "file"
        target = binds.setdefault(str(source), f"{BINDS}/{kind}-{len(binds)}")
        reached[path] = mount.model_copy(update={"source": target})
    return reached, list(binds.items())


def _named(path: str, mount: Mount) -> Mount:
    return mount.model_copy(update={"source": path}) if _binds(mount) and mount.source is None else mount


def _root(policy: Policy, whole: Mount) -> Mounts:
    """`/: {from: DIR}`, entry by entry: the root of a jail itself is always the jailer's own."""
    folder = Path(whole.source or "/")
    if whole.optional and not view.exists(folder):
        return {}
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise _lacking(policy, "/", f"{folder}: {error.strerror}") from None
    mounts: Mounts = {}
    for entry in entries:
        if entry.name in OURS:
            continue
        if entry.is_symlink():
            mounts[f"/{entry.name}"] = Mount(mode="symlink", source=str(entry.readlink()))
        else:
            mounts[f"/{entry.name}"] = Mount(mode=whole.mode, source=str(entry), noexec=whole.noexec)
    return mounts


def _exists(policy: Policy, path: str, mount: Mount) -> bool:
    """Whether there is something to mount. False: it is optional, and isn't here."""
    if not _binds(mount) or view.exists(Path(mount.source or path)):
        return True
    if mount.optional:
        return False
    why = "can't be reached by this account" if _hidden(Path(mount.source or path)) else "is not there"
    raise _lacking(policy, path, f"{mount.source} {why}")


def _lacking(policy: Policy, path: str, what: str) -> HostError:
    said = blame(policy, f"filesystem.{path}")
    return HostError(what, hint=f"say `optional: true`, or another `from`, in {place(said)}", blame=said)


def _hidden(source: Path) -> bool:
    """Whether a folder above keeps us from telling that it is there."""
    try:
        source.stat()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _with_links(mounts: Mounts, links: Mapping[str, str]) -> Mounts:
    """The host's top-level links whose target is to be seen, /bin -> usr/bin; a mount that is written there gives way
    where it would show the same."""
    made = dict(mounts)
    for name, target in links.items():
        path, leads_to = f"/{name}", str(PurePosixPath("/", target))
        if path not in mounts:
            if view.shows(leads_to, mounts):
                made[path] = Mount(mode="symlink", source=target)
        elif mounts[path] == Mount(mode="ro", source=path, optional=mounts[path].optional):
            there = view.locate(leads_to, _without(mounts, path))
            if there is not None and there.samefile(path):
                made[path] = Mount(mode="symlink", source=target)
    return made


def _without(mounts: Mounts, path: str) -> Mounts:
    return {key: mount for key, mount in mounts.items() if key != path}


def _with_runtime(policy: Policy, mounts: Mounts, runtime: Shown) -> Mounts:
    """Shows the interpreter, read-only, where the policy's own mounts don't show it yet."""
    program, prefix, links = runtime
    if view.locate(program, mounts) is None:
        home = Path(os.path.expanduser("~"))  # noqa: PTH111 (pathlib's raises for an account without a home)
        if prefix == "/" or home.is_relative_to(prefix):
            raise HostError(
                f"{program} can't be shown without showing all of {prefix}",
                hint="install the runtime in a directory of its own",
                blame=blame(policy, "language.runtime"),
            )
        mounts = {**mounts, prefix: Mount(mode="ro", source=prefix)}
    for path, target in links:
        if view.on_host(path, mounts) is None:
            mounts = {**mounts, path: Mount(mode="symlink", source=target)}
    return mounts


def _resolved(path: str, mounts: Mounts) -> Mount:
    """A mount of what is, or lies behind, a symbolic link on the host shows what that leads to. Where that isn't to be
    seen itself, it is named here: firejail shows the link as a link, which would lead nowhere.
    """
    mount = mounts[path]
    real = Path(path).resolve()
    if not _binds(mount) or mount.source != path or real == Path(path):
        return mount
    there = view.locate(str(real), _without(mounts, path))
    return mount if there is not None and there.samefile(real) else mount.model_copy(update={"source": str(real)})


def _can_stand(path: str, mounts: Mounts, said: Blame) -> bool:
    """Whether a mount point can be made at `path`. False: what it would show is shown already.

    A jailer makes a mount point in its own root or in a tmpfs. In a directory of the host it must
    be there, and must not be a link, which bwrap refuses from 0.12 on.
    """
    others = _without(mounts, path)
    above = covering(path, others)
    if above is None or mounts[above].mode == "tmpfs":
        return True
    mount = mounts[path]
    alike = (mount.mode, mount.noexec) == (mounts[above].mode, mounts[above].noexec)
    there = view.locate(path, others) if _binds(mount) and alike else None
    if there is not None and there.samefile(mount.source or path):
        return False
    behind = view.on_host(path, others)
    is_link = behind is not None and behind.is_symlink()
    if mount.mode != "symlink" and behind is not None and view.exists(behind) and not is_link:
        return True
    raise HostError(
        f"nothing can be mounted there, since {above} stands there as it is on the host"
        + (" and has a symbolic link of that name" if is_link else ""),
        hint=f"name what is needed of {above} path by path, or leave {path} out ({place(said)})",
        blame=said,
    )


def _need_mount_point(made: str, mounts: Mounts, said: Mapping[str, Blame]) -> None:
    """What is made anew for each job stands on a file: nsjail would make one in a directory of the host, even where
    that is shown read-only."""
    above, file = covering(made, mounts), view.on_host(made, mounts)
    if above is None or file is None or (os.path.isfile(file) and not os.path.islink(file)):  # noqa: PTH113, PTH114 (never raise)
        return
    raise HostError(
        f"{made} is made anew for each job, and {mounts[above].source} has no such file for it to stand on",
        hint=f"make an empty file {file}, or name what is needed of {above} path by path ({place(said[above])})",
        blame=said[above],
    )


def _refuse_swappable(path: str, mounts: Mounts, said: Blame) -> None:
    """Refuses to mount a part of a directory that is also mounted `rw`: a job could put a link in that part's place,
    and the next job would be shown what it leads to. Right below that directory the mount itself keeps its name.
    """
    inner = _real(mounts[path])
    for above, mount in mounts.items():
        outer = _real(mount) if mount.mode == "rw" and above != path else None
        if inner is None or outer is None or outer not in inner.parents:
            continue
        inside = inner.relative_to(outer)
        if len(inside.parts) == 1 and PurePosixPath(path) == PurePosixPath(above, inside):
            continue
        raise RefusedError(
            f"{inner} lies in {outer}, which {above} lets a job write: it could put a link in its place",
            hint=f"mount the directory once: leave {path} out, or show {above} `ro` ({place(said)})",
            blame=said,
        )


def _refuse_groups(mount: Mount, host: Host, said: Blame) -> None:
    """Refuses to let a job write control groups: where an ordinary user has some, they belong to the job's account,
    which could raise its own limits there, or end another job."""
    source = _real(mount) if mount.mode == "rw" else None
    for point in map(Path, host.group_mounts):
        if source is not None and (source.is_relative_to(point) or point.is_relative_to(source)):
            raise RefusedError(
                f"{source} would let a job write the control groups of {point}, which hold jobs to their limits",
                hint=f"show it `ro`, or leave it out ({place(said)})",
                blame=said,
            )


def _real(mount: Mount) -> Path | None:
    return Path(mount.source).resolve() if _binds(mount) and mount.source is not None else None


def _binds(mount: Mount) -> bool:
    return mount.mode in {"ro", "rw"}
