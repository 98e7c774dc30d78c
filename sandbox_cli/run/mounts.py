"""What is mounted in a jail, read from outside, against what the plan says of it.

mountinfo tells what each mount is; what stands there is looked at through /proc/PID/root, where the kernel lets us
(not in a set-uid jailer's jail, unless we are root).
"""

from __future__ import annotations

import os
import stat

from sandbox_cli.run.fds import apart, close, own
from sandbox_cli.run.system import read_text
from sandbox_cli.slots import SCRATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.plan.model import Plan, SealedMount
    from sandbox_cli.run.prepared import Prepared
    from sandbox_cli.run.scratch import Site

    # A line of mountinfo without what is another in each jail: the place in this list of the mount that it stands in,
    # and what comes behind the numbers.
    Row = tuple[int, str]

_PAGE = os.sysconf("SC_PAGE_SIZE")  # the size of a tmpfs is a whole number of them
_PLACE = os.O_PATH | os.O_CLOEXEC  # needs no permission, and opens no device
_REMOVED = "//deleted "


class Seen:
    """A mount as mountinfo shows it."""

    __slots__ = ("flags", "kind", "part")

    def __init__(self, flags: set[str], kind: str, part: str) -> None:
        self.flags = flags  # ro | rw, nosuid, nodev, noexec ...
        self.kind = kind
        self.part = part  # what of its file system is mounted: a path in that


def faults(prepared: Prepared, site: Site, init: int) -> list[str]:
    """Each planned mount must be there, just so; what else is mounted may only be what the host has mounted below the
    source of a planned one, and no more writable than that one."""
    plan, table = prepared.plan, rows(init, site.uid)
    judged = prepared.known.get(("mounts", site.path, site.host, table), lambda: _Judged(plan, site, table))
    if plan["seal"]["hidden_namespaces"]:
        return judged.said
    path_of_root = f"/proc/{init}/root"
    root = own(os.open, path_of_root, _PLACE | os.O_DIRECTORY)  # it would keep what is mounted there
    try:
        said = [
            f"{path} is not the host's {source}"
            for path, source, here in judged.shown
            if not _is_same(path[1:] or ".", here, root)
        ]
        for path, mount in judged.made:
            said += _of_what_stands(path, mount, root)
    finally:
        close(root)
    for path, above, seen in judged.others:
        mount = judged.planned[above]
        if not _comes_along(path, above, mount, path_of_root, plan):
            said.append(f"{path} is mounted, which the plan doesn't say")
        elif not _is_closed(path, above, path_of_root, site):
            said += _of_one_below(path, seen, above, mount)
    return judged.said + said


class _Judged:
    """What a whole table of mounts says by itself, and what is still to be looked at in each jail that has it."""

    def __init__(self, plan: Plan, site: Site, table: Sequence[Row]) -> None:
        facts, found = plan["seal"], mountinfo(table)
        self.planned = {mount["path"].replace(SCRATCH, site.path): mount for mount in facts["mounts"]}
        self.said: list[str] = []
        self.shown: list[tuple[str, str, str]] = []  # of the host: its source by the plan, and where that is here
        self.made: list[tuple[str, SealedMount]] = []  # of a size, or with permissions
        self.others: list[tuple[str, str, Seen]] = []  # what else is mounted, and below which planned one
        for path, mount in self.planned.items():
            if path not in found:
                self.said.append(f"{path} is not mounted")
                continue
            self.said += _of_mountinfo(path, mount, found[path])
            if "source" in mount:
                self.shown.append((path, mount["source"], _outside(mount["source"], plan)))
            if mount.keys() & {"mode", "size_bytes", "files"}:
                self.made.append((path, mount))
        # Scratch, as `enter` mounts it, is below a shown /run.
        for path in found.keys() - self.planned.keys() - {site.host} if facts["whole"] else ():
            above = max((each for each in self.planned if _within(path, each)), key=len, default=None)
            if above is None:
                self.said.append(f"{path} is mounted, which the plan doesn't say")
            else:
                self.others.append((path, above, found[path]))


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


def _of_what_stands(path: str, mount: SealedMount, root: int) -> Iterator[str]:
    size_bytes, files, mode = mount.get("size_bytes"), mount.get("files"), mount.get("mode")
    with apart:  # as `own`, for a moment alone
        place = os.open(path[1:] or ".", _PLACE, dir_fd=root)
        try:
            looks, room = os.fstat(place), os.fstatvfs(place)
        finally:
            os.close(place)
    if mode is not None and stat.S_IMODE(looks.st_mode) != mode:
        yield f"{path} has other permissions"
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


def _is_same(there: str, here: str, root: int | None = None) -> bool:
    """One and the same file or folder; `there` is a path below `root`. Somebody may have put another one in its place
    meanwhile, as a package manager does: then that of the jail is in no folder any more. What is closed even to us must
    be so on both sides: the job's account alone can tell."""
    try:
        inside, outside = _looks(there, root), _looks(here)
    except FileNotFoundError:
        return False
    if inside is None or outside is None:
        return inside is outside
    return inside.st_dev == outside.st_dev and (inside.st_ino == outside.st_ino or inside.st_nlink == 0)


def _looks(path: str, root: int | None = None) -> os.stat_result | None:
    try:
        return os.stat(path, dir_fd=root)
    except PermissionError:
        return None


def _within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")


def rows(pid: int, uid: int) -> tuple[Row, ...]:
    """The mounts of a process, as its mountinfo lists them."""
    # A file system may tell its owner, and root's jobs have one each. No path holds a NUL.
    text = read_text(f"/proc/{pid}/mountinfo").replace(f"uid={uid},gid={uid}", "\0")
    lines = [line.split(" ", 3) for line in text.split("\n") if line]
    places = {line[0]: place for place, line in enumerate(lines)}
    return tuple(
        [
            (places.setdefault(above, len(places)), rest if _REMOVED not in rest else _without_name(rest))
            for _number, above, _device, rest in lines
        ]
    )


def _without_name(rest: str) -> str:
    """Of a file that was removed since, as the made ones of bwrap's are: a random one. No path has two slashes."""
    part, space, after = rest.partition(" ")
    return _REMOVED + after if (part + space).endswith(_REMOVED) else rest


def mountinfo(table: Sequence[Row]) -> dict[str, Seen]:
    """By mount point, what a path leads to: nothing that another mount covers (proc(5))."""
    mounted: dict[int, tuple[int, str, Seen]] = {}  # the place of the mount that it stands in, and where
    for place, (above, rest) in enumerate(table):
        # The root of the mount, the mount point, its options, others of its, "-", the type, the source, its options.
        fields = rest.split(" ")
        path, flags = fields[1], set(fields[2].split(","))
        if fields[-1].startswith("ro,") or fields[-1] == "ro":  # the whole file system, whatever the mount says
            flags.discard("rw")
            flags.add("ro")
        if "\\" in path:
            for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
                path = path.replace(code, character)
        mounted[place] = (above, path, Seen(flags, fields[fields.index("-") + 1], fields[0]))
    taken = {(above, path) for place, (above, path, _) in mounted.items() if above != place}
    return {
        path: seen
        for place, (_, path, seen) in mounted.items()
        if (place, path) not in taken and not _is_covered(place, mounted, taken)
    }


def _is_covered(place: int, mounted: dict[int, tuple[int, str, Seen]], taken: set[tuple[int, str]]) -> bool:
    """Whether something is mounted on a folder that leads to it: nobody gets there who can't unmount that."""
    while place in mounted:
        above, folder, _ = mounted[place]
        if above == place:  # the root of all, which stands in nothing
            break
        while folder != "/":
            folder = folder.rpartition("/")[0] or "/"
            if (above, folder) in taken:
                return True
        place = above
    return False
