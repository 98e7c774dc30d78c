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
        for path in found.keys() - planned.keys() - {site.host}:  # scratch, as `enter` mounts it, below a shown /run
            above = max((each for each in planned if _within(path, each)), key=len, default=None)
            if above is None or not _comes_along(path, above, planned[above], root, plan):
                said.append(f"{path} is mounted, which the plan doesn't say")
            elif not _is_closed(path, above, root, site):
                said += _of_one_below(path, found[path], above, planned[above])
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


def _comes_along(path: str, above: str, mount: SealedMount, root: str, plan: Plan) -> bool:
    """Whether it is what the host has mounted there, below the source of a planned one."""
    source = mount.get("source")
    return source is not None and _is_same(root + path, _outside(source + path[len(above.rstrip("/")) :], plan))


def _of_one_below(path: str, seen: Seen, above: str, mount: SealedMount) -> Iterator[str]:
    flags = mount["flags"]
    if "rw" in seen.flags and "ro" in flags:
        yield f"{path} is writable below {above}, which is read-only"
    if "noexec" in flags and "noexec" not in seen.flags:  # of nsjail nosuid and nodev can't be had there
        yield f"{path} is not mounted noexec, as {above} is"


def _is_closed(path: str, above: str, root: str, site: Site) -> bool:
    """Whether a folder between them keeps the job's account out. It has kept bwrap out as well, which leaves such a
    mount as the host has it."""
    if os.geteuid() != 0:  # we are that account
        try:
            os.stat(root + path)
        except PermissionError:
            return True
        return False
    while path != above:
        path = path.rpartition("/")[0] or "/"
        folder = os.stat(root + path)
        if folder.st_uid != site.uid and folder.st_gid != site.gid and not folder.st_mode & stat.S_IXOTH:
            return True
    return False


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
    """By mount point, what a path leads to: nothing that another mount covers (proc(5))."""
    mounted: dict[str, tuple[str, str, Seen]] = {}  # by number: that of the mount it stands in, and where
    for line in lines_of(f"/proc/{pid}/mountinfo"):
        fields = line.split(" ")
        flags, path = set(fields[5].split(",")), fields[4]
        if fields[-1].startswith("ro,") or fields[-1] == "ro":  # the whole file system, whatever the mount says
            flags.discard("rw")
            flags.add("ro")
        if "\\" in path:
            for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
                path = path.replace(code, character)
        mounted[fields[0]] = (fields[1], path, Seen(flags, fields[fields.index("-") + 1], fields[3]))
    taken = {(above, path) for number, (above, path, _) in mounted.items() if above != number}
    return {
        path: seen
        for number, (_, path, seen) in mounted.items()
        if (number, path) not in taken and not _is_covered(number, mounted, taken)
    }


def _is_covered(number: str, mounted: dict[str, tuple[str, str, Seen]], taken: set[tuple[str, str]]) -> bool:
    """Whether something is mounted on a folder that leads to it: nobody gets there who can't unmount that."""
    while number in mounted:
        above, folder, _ = mounted[number]
        if above == number:  # the root of all, which stands in nothing
            break
        while folder != "/":
            folder = folder.rpartition("/")[0] or "/"
            if (above, folder) in taken:
                return True
        number = above
    return False
