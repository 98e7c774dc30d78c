"""What a jail must look like from inside, told from the policy and the host alone; and what `probe.py` saw, likewise.

Both are dicts of the same keys, so that a test compares them in both directions at once. Nothing here asks the plan
or a backend: what they make of the policy is what is tested. What is firejail's alone stands in firejail_picture.py.
"""

from __future__ import annotations

import mmap
import os
import re
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.accounts import tester
from tests.contract import firejail_picture, surroundings
from tests.contract.mountinfo import below, covering, mount_modes, noexec

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Mount
    from tests.contract.case import Case

ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"}
ROOTS_UIDS = range(1900000000, 1900065536)
NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts", "cgroup", "time")
STATUS = {
    **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "SigBlk"), "0" * 16),
    "NoNewPrivs": "1", "Seccomp": "2", "Umask": "0022",
}  # fmt: skip
MADE = ("/etc/passwd", "/etc/group", "/etc/hosts")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
DEV = {
    **{f"/dev/{name}": "device" for name in (*DEVICES, "pts/ptmx")},
    **{f"/dev/std{name}": f"link /proc/self/fd/{number}" for number, name in enumerate(("in", "out", "err"))},
    **dict.fromkeys(("/dev", "/dev/pts", "/dev/shm"), "folder"),
    "/dev/fd": "link /proc/self/fd",
}  # fmt: skip


def found(case: Case, seen: dict[str, Any]) -> dict[str, Any]:
    """What the probe saw, in the shape of `expected`."""
    status, mounts, visible = seen["status"], mount_modes(_utf8(seen["mountinfo"])), seen["visible"]
    if case.firejail:
        mounts = firejail_picture.mounts_found(mounts, [*case.binds, seen["cwd"], "/proc", "/tmp"])
        visible = firejail_picture.visible_found(visible)
    return {
        "mounts": mounts,
        "noexec": noexec(_utf8(seen["mountinfo"])) & case.mounts.keys(),
        "visible": visible,
        "writable": set(seen["writable"]),
        "sources": {path: seen["looks"][path]["is"] for path in case.binds},
        "modes": {path: seen["looks"][path]["mode"] for path in case.room},
        "owner of scratch": seen["looks"]["."]["owner"],
        "sizes": {path: seen["room"][path]["bytes"] for path in _sizes(case)},
        "free files": {path: seen["room"][path]["files"] for path in _counts(case)},
        "names": {path: _names(path, text) for path, text in seen["names"].items()},
        "secrets read": seen["reads"],
        "sockets": seen["reaches"],
        "environment": sorted(seen["environ"].encode("latin-1").split(b"\0")),
        "arguments": seen["argv"].encode("latin-1").split(b"\0"),
        "limits": {name: tuple(value) for name, value in seen["limits"].items()},
        "status": {name: status[name] for name in STATUS},
        "filters": int(status["Seccomp_filters"]) if not case.firejail else None,
        "ids": {*status["Uid"].split(), *status["Gid"].split()},
        "groups": {int(each) for each in status["Groups"].split()} - {int(status["Gid"].split()[0]), 65534},
        "shared namespaces": {name for name in NAMESPACES if seen["namespaces"][name] == _namespace(name)},
        "interfaces": seen["interfaces"],
        "processes": seen["processes"],
        "group and session": seen["self"][2:],
        "terminal": seen["terminal"],
        "fds": seen["fds"],
        "directory": re.sub(firejail_picture.SCRATCH, "/tmp/sandbox-*", seen["cwd"]),
        "hostname": seen["hostname"],
        "niceness": seen["nice"],
    }


def expected(case: Case, seen: dict[str, Any]) -> dict[str, Any]:
    """What the policy says. Of `seen` only what no policy says: pids, and which account and scratch the job got."""
    scratch = seen["cwd"] if case.firejail else "/sandbox"
    uid, gid = _ids(case, int(seen["status"]["Uid"].split()[0]))
    pid, parent, *_ = seen["self"]
    host_network = case.policy.network == "host"
    return {
        "mounts": firejail_picture.mounts(case, scratch) if case.firejail else _mounts(case),
        "noexec": {
            path
            for path, mount in case.mounts.items()
            if mount.noexec or (case.firejail and firejail_picture.in_etc(path))
        },
        "visible": firejail_picture.visible(case, scratch) if case.firejail else _visible(case),
        "writable": _writable(case, scratch),
        "sources": {path: _identity(mount) for path, mount in case.binds.items()},
        "modes": {path: "0o40700" if path == "." else "0o41777" for path in case.room},
        "owner of scratch": [uid, gid],
        "sizes": _sizes(case),
        "free files": _counts(case),
        "names": names(uid, gid) | (firejail_picture.names(uid, gid) if case.firejail else {}),
        "secrets read": [],
        "sockets": ["ok" if host_network else "ECONNREFUSED"] * len(case.sockets),
        "environment": _environment(case, scratch),
        "arguments": [*(word.encode() for word in case.command), *case.arguments, b""],
        "limits": _limits(case, seen["held by"]["limits.processes"]),
        "status": STATUS,
        "filters": _own_filters() + 1 if not case.firejail else None,
        "ids": {str(uid), str(gid)},
        "groups": set(),
        "shared namespaces": {"time", *firejail_picture.SHARED[: case.firejail], *(["net"] if host_network else [])},
        "interfaces": _own_interfaces() if host_network else ["lo"],
        "processes": [1, parent, pid] if case.firejail else [1, pid],
        "group and session": [pid, pid],
        "terminal": "0",
        "fds": [0, 1, 2, 3],  # the last is the probe's own listing of them
        "directory": "/tmp/sandbox-*" if case.firejail else "/sandbox",
        "hostname": "sandbox",
        "niceness": os.nice(0),
    }


def _environment(case: Case, scratch: str) -> list[bytes]:
    """Of what is said twice the last word: ours, the policy's, the job's. `environ` ends with a NUL."""
    said = {"HOME": scratch} | ENVIRONMENT | case.policy.environment | {"SANDBOX_VALUE": f"{scratch}/.sandbox-value"}
    filled = {name.encode(): value.replace("{{ scratch }}", scratch).encode() for name, value in said.items()}
    return sorted([b"", *(b"=".join(pair) for pair in (filled | dict(case.environment)).items())])


def names(uid: int, gid: int) -> dict[str, dict[str, str]]:
    """The accounts, groups and hosts that are made for each job, with their numbers."""
    return {
        "/etc/passwd": {"root": "0", "sandbox": str(uid), "nobody": "65534"},
        "/etc/group": {"root": "0", "sandbox": str(gid), "nogroup": "65534"},
        "/etc/hosts": {"127.0.0.1": "localhost sandbox", "::1": "localhost ip6-localhost ip6-loopback"},
    }


def _names(path: str, text: str) -> dict[str, str]:
    rows = [line.split(" ", 1) if path == "/etc/hosts" else line.split(":")[0:3:2] for line in text.splitlines()]
    return {row[0]: row[1] for row in rows}


def kind_of(mount: Mount) -> str:
    if mount.mode == "symlink":
        return f"link {mount.source}"
    return "folder" if mount.mode == "tmpfs" or os.path.isdir(mount.source or "") else "file"


def folders_above(path: str) -> dict[str, str]:
    return {str(above): "folder" for above in Path(path).parents}


def _mounts(case: Case) -> dict[str, str]:
    """Of a jail whose root is the jailer's own: all there are."""
    modes = {"/": "ro", "/proc": "rw", "/dev": "ro", "/dev/pts": "rw", "/dev/shm": "rw", "/sandbox": "rw"}
    modes |= {f"/dev/{name}": "rw" for name in DEVICES} | dict.fromkeys(MADE, "ro")
    modes |= dict.fromkeys(("/proc/sys", "/proc/sys/kernel/random/boot_id", *surroundings.closed(Path.is_file)), "ro")
    modes |= dict.fromkeys(surroundings.identity(case.binds), "ro")
    modes |= dict.fromkeys(surroundings.closed(Path.is_dir), "rw" if case.backend == "bwrap" else "ro")
    for path, mount in case.mounts.items():
        if mount.mode in {"ro", "rw"}:
            modes |= {path + tail: "ro" if mount.mode == "ro" else mode for tail, mode in _mounted_below(mount)}
        if mount.mode != "symlink":
            modes[path] = "rw" if mount.mode == "tmpfs" else mount.mode
    return modes


def _mounted_below(mount: Mount) -> list[tuple[str, str]]:
    """What the host has mounted below a source: it comes along."""
    source = os.path.realpath(mount.source or "")
    host = mount_modes(Path("/proc/self/mountinfo").read_text())
    return [(path.removeprefix(source), mode) for path, mode in host.items() if path != source and below(path, source)]


def _visible(case: Case) -> dict[str, str]:
    paths = (
        {"/": "folder", "/proc": "folder", "/sandbox": "folder", "/etc": "folder"} | DEV | dict.fromkeys(MADE, "file")
    )
    paths |= {"/dev/core": "link /proc/kcore", "/dev/ptmx": "link pts/ptmx"}
    for path, mount in case.mounts.items():
        paths |= folders_above(path) | {path: kind_of(mount)}
    if "/" not in case.policy.filesystem:
        for name, target in host_links().items():
            if any(below(f"/{target}", path) for path in case.binds):
                paths[f"/{name}"] = f"link {target}"
    return {path: kind for path, kind in paths.items() if covering(path, case.binds) in {None, path}}


def host_links() -> dict[str, str]:
    return {entry.name: os.readlink(entry) for entry in os.scandir("/") if entry.is_symlink()}


def _writable(case: Case, scratch: str) -> set[str]:
    writable = {path for path, mount in case.mounts.items() if mount.mode in {"rw", "tmpfs"}}
    return writable | {".", scratch, "/dev/shm"} | (firejail_picture.WRITABLE if case.firejail else set())


def _sizes(case: Case) -> dict[str, int]:
    """The bytes of what is a sized tmpfs; its size is a whole number of pages."""
    sizes = {}
    for path in case.room:
        size = case.bound("scratch_size" if path == "." else "tmp_size")
        if size is not None and (not case.firejail or (path == "." and case.account.name == "root")):
            sizes[path] = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
    return sizes


def _counts(case: Case) -> dict[str, int]:
    files = case.bound("scratch_files")
    return {".": files} if files is not None and (case.account.name == "root" or case.backend == "nsjail") else {}


def _identity(mount: Mount) -> list[int]:
    looks = os.stat(mount.source or "")
    return [looks.st_dev, looks.st_ino]


def _limits(case: Case, tasks_held_by: str | None) -> dict[str, tuple[int, int]]:
    """Ours, as everything that we start has them, but for those that the policy sets, which are never above ours."""
    spare = firejail_picture.TASKS if case.firejail else 1
    cpu_time, processes = case.bound("cpu_time"), case.bound("processes")
    told = {
        "CORE": 1,
        "FSIZE": case.bound("file_size"),
        "NOFILE": case.bound("open_files"),
        "OFILE": case.bound("open_files"),
        "CPU": None if cpu_time is None else cpu_time + 1,
        "NPROC": processes + spare if processes is not None and tasks_held_by == "rlimit" else None,
    }
    limits = {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if "RLIMIT_" in name}
    for name, value in told.items():
        if value is not None:
            most = limits[f"RLIMIT_{name}"][1]
            bound = value if most == resource.RLIM_INFINITY else min(value, most)
            limits[f"RLIMIT_{name}"] = (bound, bound)
    return limits


def _ids(case: Case, uid: int) -> tuple[int, int]:
    if case.account.name != "root":
        return case.account.uid, case.account.gid
    if case.firejail:
        return tester().pw_uid, tester().pw_gid
    return (uid, uid) if uid in ROOTS_UIDS else (ROOTS_UIDS[0], ROOTS_UIDS[0])


def _utf8(text: str) -> str:
    """The probe passes bytes as they are."""
    return text.encode("latin-1").decode(errors="surrogateescape")


def _namespace(name: str) -> str:
    return os.readlink(f"/proc/self/ns/{name}")


def _own_filters() -> int:
    found = re.search(r"^Seccomp_filters:\t(\d+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def _own_interfaces() -> list[str]:
    return sorted(line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:])
