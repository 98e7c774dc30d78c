"""`filesystem`: each mount is what the policy says, just as writable, and nothing else of the host is there."""

from __future__ import annotations

import mmap
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from sandbox_cli.plan import view
from sandbox_cli.policy import units
from sandbox_cli.policy.mounts import covering
from sandbox_cli.verify import kernel
from sandbox_cli.verify.attempts import compared, granted, measured, refused, shows, so
from sandbox_cli.verify.calls import AT_FDCWD, Out, call
from sandbox_cli.verify.case import SCRATCH, is_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.model import Mount
    from sandbox_cli.verify.attempts import Judged, Try
    from sandbox_cli.verify.calls import Answer, Call
    from sandbox_cli.verify.case import Case

_MADE = ("/etc/passwd", "/etc/group", "/etc/hosts")
_OWN = ("/proc", "/dev")
# Of the host: what tells secrets, what is somebody's, and doors to those who serve everybody.
_SECRETS = (
    "/etc/shadow", "/etc/fstab", "/etc/hostname", "/etc/machine-id", "/etc/sandbox", "/root", "/boot", "/sys", "/mnt",
    "/sys/kernel/debug", "/sys/fs/cgroup", "/var/log", "/var/lib", "/var/run/docker.sock", "/run/docker.sock",
    "/run/sandbox",
    "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/user", "/lost+found",
    "/dev/kmsg", "/dev/mem", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/sda", "/dev/loop-control", "/dev/mqueue",
)  # fmt: skip


def tries(case: Case) -> Iterator[Try]:
    for path, mount in case.policy.filesystem.items():
        clause = f"filesystem.{path}"
        if mount.mode == "symlink":
            yield _link(clause, path, mount)
        elif mount.mode == "tmpfs":
            yield from _tmpfs(case, clause, path, noexec=mount.noexec)
        else:
            yield from _bind(case, clause, path, mount)
    yield from _tmpfs(case, "limits.tmp_size", "/dev/shm")  # noqa: S108
    yield from _scratch(case)
    yield from _elsewhere(case)


def _link(clause: str, path: str, mount: Mount) -> Try:
    def read(answer: Answer) -> Judged:
        target = os.fsdecode(answer.buffers[0][: answer.results[0]])
        return f"-> {target}", so(target == mount.source)

    asked = call("readlinkat", AT_FDCWD, path, Out(4096), 4096)
    return shows(clause, f"follow the link {path}", (asked,), f"-> {mount.source}", read)


def _bind(case: Case, clause: str, path: str, mount: Mount) -> Iterator[Try]:
    source, folder = Path(mount.source or path), is_folder(mount)
    yield _same(clause, path, source)
    if case.is_open(mount, os.R_OK | os.X_OK if folder else os.R_OK):
        yield granted(clause, f"read {path}", *(kernel.listing(path) if folder else kernel.reading(path, 1)[:1]))
    if mount.mode == "ro":
        yield refused(clause, f"change {path}", kernel.changing(path), errors={"EROFS"})
        yield refused(clause, f"write to {path}", *_writing(case, path, folder=folder))
    elif case.is_open(mount, os.W_OK | os.X_OK if folder else os.W_OK):
        yield granted(clause, f"write to {path}", *_writing(case, path, folder=folder))
    # Of a jailer that starts from the host's own tree, the flags are the host's.
    flags = 0 if case.differs("root-names") else kernel.NO_SUID | kernel.NO_DEVICES
    if flags or mount.noexec:
        yield _flags(clause, path, flags | (kernel.NO_EXECUTION if mount.noexec else 0))
    if not (mount.noexec or case.differs("root-names") or os.statvfs(source).f_flag & os.ST_NOEXEC):
        yield _runs(clause, path)


def _writing(case: Case, path: str, *, folder: bool) -> tuple[Call, ...]:
    """Nothing of it stays."""
    if folder:
        return kernel.making(str(PurePosixPath(path, case.targets.mark)))
    return (call("openat", AT_FDCWD, path, os.O_WRONLY),)


def _same(clause: str, path: str, source: Path) -> Try:
    """It is the host's own file or folder, and no other that stands in its place."""
    wanted = source.stat()

    def read(answer: Answer) -> Judged:
        found = kernel.looks(answer.buffers[0])
        same = (found.inode, found.device) == (wanted.st_ino, wanted.st_dev)
        return f"that of the host ({source})" if same else "something else", so(same)

    return shows(clause, f"look at {path}", (kernel.statx(path),), f"that of the host ({source})", read)


def _flags(clause: str, path: str, wanted: int) -> Try:
    """Whatever lies there: no program in it gets rights by a bit of its own, and no device in it is one."""
    words = {kernel.NO_SUID: "nosuid", kernel.NO_DEVICES: "nodev", kernel.NO_EXECUTION: "noexec"}
    told = ",".join(word for flag, word in words.items() if wanted & flag)

    def read(answer: Answer) -> Judged:
        found = kernel.file_system(answer.buffers[0]).flags
        missing = [f"no {word}" for flag, word in words.items() if wanted & flag and not found & flag]
        return ", ".join(missing) or told, so(not missing)

    return shows(clause, f"how {path} is mounted", (kernel.statfs(path),), told, read)


def _runs(clause: str, path: str) -> Try:
    def read(answer: Answer) -> Judged:
        closed = kernel.file_system(answer.buffers[0]).flags & kernel.NO_EXECUTION
        return ("noexec", "broken") if closed else ("yes", "works")

    return shows(clause, f"run what is in {path}", (kernel.statfs(path),), "yes", read)


def _tmpfs(case: Case, clause: str, path: str, *, noexec: bool = False) -> Iterator[Try]:
    if case.differs("tmp") and path == "/tmp":  # noqa: S108
        yield refused(clause, f"find what is in the host's {path}", *kernel.reading(f"{path}/.X11-unix", 1))
    yield granted(clause, f"write to {path}", *_writing(case, path, folder=True))
    flags = kernel.NO_SUID | (0 if case.differs("root-names") else kernel.NO_DEVICES)
    yield _flags(clause, path, flags | (kernel.NO_EXECUTION if noexec else 0))
    if not noexec:
        yield _runs(clause, path)
    bound = case.policy.limits["tmp_size"].default
    if bound is not None and not case.differs("tmp-size"):
        yield _size("limits.tmp_size", path, int(bound))


def _size(clause: str, path: str, bound: int) -> Try:
    pages = -(-max(1, bound) // mmap.PAGESIZE) * mmap.PAGESIZE

    def read(answer: Answer) -> Judged:
        found = kernel.file_system(answer.buffers[0])
        if found.kind != kernel.TMPFS:
            return "it is no file system of the jail's own", "escaped"
        return units.format_value("size", found.size_bytes), measured(found.size_bytes, pages)

    told = units.format_value("size", pages)
    return shows(clause, f"how large {path} may get", (kernel.statfs(path),), told, read)


def _scratch(case: Case) -> Iterator[Try]:
    place = SCRATCH
    if case.differs("scratch-path"):
        if case.policy.directory is not None:
            return  # its path is the run's, and no policy's
        place = "."
    yield granted("filesystem", "write to scratch", *_writing(case, place, folder=True))
    uids = case.uids

    def read(answer: Answer) -> Judged:
        found = kernel.looks(answer.buffers[0])
        return f"mode {found.mode & 0o7777:04o}, uid {found.uid}", so(
            found.mode & 0o7777 == 0o700 and found.uid in uids
        )

    yield shows("filesystem", "whose scratch is", (kernel.statx(place),), "mode 0700, the job's own", read)


def _elsewhere(case: Case) -> Iterator[Try]:
    """What no mount of the policy shows."""
    mounts = case.policy.filesystem
    for path in dict.fromkeys(("/", "/etc", "/dev", *(() if case.differs("root-names") else _folders(case)))):
        if path == "/dev" or covering(path, mounts) is None:
            yield refused("filesystem", f"write to {path}", *_writing(case, path, folder=True))
    if not case.differs("root-names"):
        for path, names in _folders(case).items():
            yield _names(path, names)
        yield refused("filesystem", "change /", kernel.changing("/"), errors={"EROFS"})
    leading = {str(each) for path in mounts for each in (PurePosixPath(path), *PurePosixPath(path).parents)}
    top = (f"/{name}" for name in case.host.root_entries if name not in case.host.root_links)
    for path in dict.fromkeys((*top, *_SECRETS, *case.targets.files, case.host.home)):
        if path not in leading and not _is_shown(path, case):
            yield refused("filesystem", f"open {path}", call("openat", AT_FDCWD, path, os.O_RDONLY | os.O_NONBLOCK))


def _is_shown(path: str, case: Case) -> bool:
    """By a mount above it; or every jail has one of its own there."""
    own = (*_OWN, *_MADE, "/etc", *(("/run", "/tmp") if case.differs("run") else ()))  # noqa: S108
    if path in own or path in {"/dev/shm", SCRATCH}:  # noqa: S108
        return True
    directory = case.policy.directory
    if directory is not None and PurePosixPath(directory).is_relative_to(path):
        return True
    return view.locate(path, case.policy.filesystem) is not None


def _folders(case: Case) -> dict[str, set[str]]:
    """The folders that a jailer makes around mounts, in its own root and in each tmpfs, with all that is in them."""
    mounts = case.policy.filesystem
    found: dict[str, set[str]] = {"/": set()}
    for path in (*mounts, *_OWN, SCRATCH, *(each for each in _MADE if each not in mounts)):
        parts = PurePosixPath(path)
        for above, name in zip(parts.parents, (parts.name, *(each.name for each in parts.parents)), strict=False):
            around = covering(str(above), mounts)
            if around is None or mounts[around].mode == "tmpfs":
                found.setdefault(str(above), set()).add(name)
    for path, mount in mounts.items():
        if mount.mode == "tmpfs":
            found.setdefault(path, set())
    return found


def _names(path: str, names: set[str]) -> Try:
    def read(answer: Answer) -> Judged:
        return compared(kernel.entries(answer.buffers[0], answer.results[1]), names)

    told = ", ".join(sorted(names)) or "nothing"
    return shows("filesystem", f"list {path}", kernel.listing(path), told, read)
