"""What is mounted in a jail, read from outside, against what the plan says of it.

mountinfo tells what each mount is; what stands there is looked at through /proc/PID/root, where the kernel lets us
(not in a set-uid jailer's jail, unless we are root).
"""

from __future__ import annotations

import os
import stat

from sandbox_cli.run.system import lines_of
from sandbox_cli.slots import SCRATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.plan.model import Plan, SealedMount
    from sandbox_cli.run.scratch import Site

_PAGE = os.sysconf("SC_PAGE_SIZE")  # the size of a tmpfs is a whole number of them


class Seen:
    """A mount as mountinfo shows it."""

    __slots__ = ("flags", "kind", "part")

    def __init__(self, flags: set[str], kind: str, part: str) -> None:
        self.flags = flags  # ro | rw, nosuid, nodev, noexec ...
        self.kind = kind
        self.part = part  # what of its file system is mounted: a path in that


def faults(plan: Plan, site: Site, init: int) -> list[str]:
    """Each planned mount must be there, just so; what else is mounted may only be what the host has mounted below the
    source of a planned one, and no more writable than that one."""
    facts = plan["seal"]
    found = mountinfo(init)
    planned = {mount["path"].replace(SCRATCH, site.path): mount for mount in facts["mounts"]}
    root = None if facts["hidden_namespaces"] else f"/proc/{init}/root"
    said: list[str] = []
    for path, mount in planned.items():
        if path not in found:
            said.append(f"{path} is not mounted")
        else:
            said += _of_mountinfo(path, mount, found[path])
            if root is not None:
                said += _of_what_stands(path, mount, root + path, plan)
    if facts["whole"]:
        assert root is not None
        for path in found.keys() - planned.keys():
            if path != site.host:  # scratch itself, as `enter` has mounted it for the jailer, below a shown /run
                said += _of_another(path, found[path], planned, root + path, plan)
    return said


def _of_mountinfo(path: str, mount: SealedMount, seen: Seen) -> Iterator[str]:
    mode = mount["flags"][0]
    if mode not in seen.flags:
        yield f"{path} is mounted {'rw' if mode == 'ro' else 'ro'}, not {mode}"
    missing = [flag for flag in mount["flags"][1:] if flag not in seen.flags]
    if missing:
        yield f"{path} is not mounted {' '.join(missing)}"
    if "kind" in mount and seen.kind != mount["kind"]:
        yield f"{path} is a {seen.kind}, not a {mount['kind']}"
    if "part" in mount and not seen.part.endswith(tuple(mount["part"])):
        yield f"{path} shows what it should hide"


def _of_what_stands(path: str, mount: SealedMount, there: str, plan: Plan) -> Iterator[str]:
    if "source" in mount and not _is_same(there, _outside(mount["source"], plan)):
        yield f"{path} is not the host's {mount['source']}"
    if "mode" in mount and stat.S_IMODE(os.stat(there).st_mode) != mount["mode"]:
        yield f"{path} has other permissions"
    if "size_bytes" in mount or "files" in mount:
        room = os.statvfs(there)
        size_bytes, files = mount.get("size_bytes"), mount.get("files")
        if size_bytes is not None and not 0 < room.f_blocks * room.f_frsize < size_bytes + _PAGE:
            yield f"{path} holds {room.f_blocks * room.f_frsize} bytes, not {size_bytes}"
        if files is not None and not 0 < room.f_files <= files:
            yield f"{path} holds {room.f_files} files, not {files}"


def _of_another(path: str, seen: Seen, planned: dict[str, SealedMount], there: str, plan: Plan) -> Iterator[str]:
    above = max((each for each in planned if _within(path, each)), key=len, default=None)
    source = planned[above].get("source") if above is not None else None
    if above is None or source is None or not _is_same(there, _outside(source + path[len(above.rstrip("/")) :], plan)):
        yield f"{path} is mounted, which the plan doesn't say"
        return
    flags = planned[above]["flags"]
    if "rw" in seen.flags and "ro" in flags:
        yield f"{path} is writable below {above}, which is read-only"
    if "noexec" in flags and "noexec" not in seen.flags:  # of nsjail nosuid and nodev can't be had there
        yield f"{path} is not mounted noexec, as {above} is"


def _outside(source: str, plan: Plan) -> str:
    """The host's path of what `enter` bound elsewhere for the jailer, in a mount namespace of its own."""
    return next((real + source[len(bound) :] for real, bound in plan["binds"] if _within(source, bound)), source)


def _is_same(there: str, here: str) -> bool:
    """One and the same file or folder. Somebody may have put another one in its place meanwhile, as a package manager
    does: then that of the jail is in no folder any more. What is closed even to us must be so on both sides: the job's
    account alone can tell."""
    try:
        inside, outside = _looks(there), _looks(here)
    except FileNotFoundError:
        return False
    if inside is None or outside is None:
        return inside is outside
    return inside.st_dev == outside.st_dev and (inside.st_ino == outside.st_ino or inside.st_nlink == 0)


def _looks(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except PermissionError:
        return None


def _within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def mountinfo(pid: int) -> dict[str, Seen]:
    """By mount point, the topmost where several stand on one another (proc(5))."""
    found: dict[str, Seen] = {}
    for line in lines_of(f"/proc/{pid}/mountinfo"):
        fields = line.split(" ")
        flags, path = set(fields[5].split(",")), fields[4]
        if fields[-1].startswith("ro,") or fields[-1] == "ro":  # the whole file system, whatever the mount says
            flags.discard("rw")
            flags.add("ro")
        if "\\" in path:
            for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
                path = path.replace(code, character)
        found[path] = Seen(flags, fields[fields.index("-") + 1], fields[3])
    return found
