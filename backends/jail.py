"""What every jail holds, whichever jailer makes it: its names and accounts, its sizes, and what the seal may expect."""

from __future__ import annotations

from sandbox_cli.slots import BOOT_ID, CONTROL_FD, GID, LAUNCHER_FD, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Literal

    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.model import Scratch, SealedMount, SealFacts
    from sandbox_cli.policy.model import Mount, Policy

INIT = (f"/proc/self/fd/{LAUNCHER_FD}", "init", str(CONTROL_FD))  # the first program in the jail, and its arguments
HOSTNAME = "sandbox"
SCRATCH_PATH = "/sandbox"  # where scratch stands, unless its directory keeps its own path
UNBOUNDED_BYTES = 0  # as a tmpfs takes it
UNBOUNDED_FILES = 1 << 40  # more than any memory holds

# Files of accounts that the jail doesn't map show as 65534: it gets the names that everybody knows it by.
_PASSWD = (
    "root:x:0:0:root:/root:/usr/sbin/nologin\n"
    f"sandbox:x:{UID}:{GID}:sandbox:{SCRATCH_PATH}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
)
_GROUP = f"root:x:0:\nsandbox:x:{GID}:\nnogroup:x:65534:\n"
HOSTS = f"127.0.0.1 localhost {HOSTNAME}\n::1 localhost ip6-localhost ip6-loopback\n"

_MADE = (("/etc/passwd", _PASSWD), ("/etc/group", _GROUP), ("/etc/hosts", HOSTS))

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
CLOSED = ("nosuid", "nodev")  # no mount of a jail brings set-uid programs or devices with it, but those of /dev

BOOT_ID_FILE = ("/proc/sys/kernel/random/boot_id", f"{BOOT_ID}\n")  # the host's would tell which jobs share a host

# What stands in /proc for the whole host, and that no language needs: closed, where the kernel leaves it open to
# everybody. What it opens to root alone needs no mount: the job is never root. A mount costs bwrap 0.13 ms: iomem,
# ioports (without addresses for all but root), key-users, config.gz, modules and counters are not worth that.
_MASKED_FILES = (
    "keys",  # names of the keys that the caller's session holds
    "kallsyms",  # the kernel's addresses, depending on two sysctls
    "interrupts",  # when somebody types, when packets come
    "cmdline",  # the host's boot options, secrets of early boot among them
    "kcore", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "slabinfo", "vmallocinfo",  # the kernel's memory
    "latency_stats", "sched_debug", "timer_list", "timer_stats",  # the host's processes, on older kernels
    "sysrq-trigger",
)  # fmt: skip
_MASKED_FOLDERS = (
    "acpi", "asound", "bus", "driver", "irq", "scsi",  # the host's hardware
    "fs",  # its file systems: disks, servers of NFS
    "pressure",  # its load; anybody may have the kernel watch that for him, by writing there
)  # fmt: skip


def made_files(policy: Policy) -> list[tuple[str, str]]:
    """The files of /etc that are made anew for each job, with their content; a policy's own mount of one wins."""
    return [(path, content) for path, content in _MADE if path not in policy.filesystem]


def masked(host: Host) -> tuple[list[str], list[str]]:
    """The files and the folders of /proc that are closed, of those that this host has open."""
    return (
        [f"/proc/{name}" for name in _MASKED_FILES if host.proc.get(name) == "file"],
        [f"/proc/{name}" for name in _MASKED_FOLDERS if host.proc.get(name) == "folder"],
    )


def bound(policy: Policy, name: str) -> int | None:
    """A size in bytes as a tmpfs takes it: never 0, which means "no bound" there. None: there is none."""
    value = policy.limits[name].default
    return None if value is None else max(1, int(value))


def scratch(policy: Policy, *, made_by: Literal["jailer", "run"], tmpfs: bool, shown: bool = False) -> Scratch:
    """Where scratch comes from, with the sizes of the policy."""
    files = policy.limits["scratch_files"].default
    return {
        "made_by": made_by,
        "tmpfs": tmpfs,
        "shown": shown,
        "size_bytes": bound(policy, "scratch_size") or UNBOUNDED_BYTES,
        "files": UNBOUNDED_FILES if files is None else int(files),
    }


def own_network(policy: Policy) -> bool:
    """Whether the jail has a network namespace of its own. An allow-list never opens the host's."""
    return policy.network != "host"


def is_writable(mount: Mount) -> bool:
    """Whether the job may write there, as far as the mount goes."""
    return mount.mode in {"rw", "tmpfs"}


def noexec(mounts: Mapping[str, Mount]) -> list[str]:
    """Where nothing may be run."""
    return [path for path, mount in mounts.items() if mount.noexec]


def seal(
    policy: Policy, host: Host, *, folders: Literal["ro", "rw"], counts_files: bool, holds_noexec: bool
) -> SealFacts:
    """What must be seen of a jail whose root is its own tmpfs: all namespaces but time, no mount but the plan's.

    `folders` is how the jailer mounts what it puts over a folder of /proc; `counts_files` whether it bounds the number
    of files in scratch; `holds_noexec` whether it has that option.
    """
    closed = own_network(policy)
    return {
        "first": True,
        "namespaces": ["user", "pid", "mnt", "ipc", "uts", "cgroup", *(["net"] if closed else [])],
        "hidden_namespaces": False,
        "interfaces": ["lo"] if closed else None,
        "mounts": [
            *_own_mounts(policy, host, folders),
            scratch_mount(policy, counts_files=counts_files),
            *_policys_mounts(policy, holds_noexec=holds_noexec),
            *_files(policy),
        ],
        "whole": True,
    }


def _own_mounts(policy: Policy, host: Host, folders: Literal["ro", "rw"]) -> list[SealedMount]:
    """What stands in every jail."""
    files, closed_folders = masked(host)
    return [
        {"path": "/", "flags": ["ro"], "kind": "tmpfs"},
        {"path": "/proc", "flags": ["rw", *CLOSED, "noexec"], "kind": "proc"},
        {"path": "/proc/sys", "flags": ["ro", *CLOSED], "kind": "proc", "source": "/proc/sys"},
        *_each(files, {"path": "", "flags": ["ro", *CLOSED], "source": "/dev/null"}),
        *_each(
            closed_folders,
            {"path": "", "flags": [folders, *CLOSED], "kind": "tmpfs", "mode": 0, "size_bytes": 4096},
        ),
        {"path": "/dev", "flags": ["ro", "nosuid"], "kind": "tmpfs"},
        *({"path": path, "flags": ["rw", "nosuid"], "source": path} for path in (f"/dev/{name}" for name in DEVICES)),
        {"path": "/dev/pts", "flags": ["rw", "nosuid", "noexec"], "kind": "devpts"},
        _tmpfs("/dev/shm", 0o1777, bound(policy, "tmp_size")),  # noqa: S108
    ]


def _each(paths: Sequence[str], mount: SealedMount) -> Iterator[SealedMount]:
    for path in paths:
        yield {**mount, "path": path}


def scratch_mount(policy: Policy, path: str = SCRATCH_PATH, *, counts_files: bool = True) -> SealedMount:
    """Scratch where it is a tmpfs."""
    mount = _tmpfs(path, 0o700, bound(policy, "scratch_size"))
    files = policy.limits["scratch_files"].default
    if counts_files and files is not None:
        mount["files"] = int(files) + 1  # its own root takes one
    return mount


def _tmpfs(path: str, mode: int, size_bytes: int | None) -> SealedMount:
    mount: SealedMount = {"path": path, "flags": ["rw", *CLOSED], "kind": "tmpfs", "mode": mode}
    if size_bytes is not None:
        mount["size_bytes"] = size_bytes
    return mount


def _policys_mounts(policy: Policy, *, holds_noexec: bool) -> Iterator[SealedMount]:
    for path, mount in policy.filesystem.items():
        if mount.mode == "symlink":
            continue
        if mount.mode == "tmpfs":
            planned = _tmpfs(path, 0o1777, bound(policy, "tmp_size"))
        else:
            planned = {"path": path, "flags": [mount.mode, *CLOSED], "source": mount.source or path}
        if mount.noexec and holds_noexec:
            planned["flags"].append("noexec")
        yield planned


def _files(policy: Policy) -> Iterator[SealedMount]:
    """Made files lie in a tmpfs of the jailer's own."""
    for path, _ in (*made_files(policy), BOOT_ID_FILE):
        yield {"path": path, "flags": ["ro", *CLOSED], "kind": "tmpfs"}
