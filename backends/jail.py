"""What every jail holds, whichever jailer makes it: its names and accounts, its sizes, and what the seal may expect."""

from __future__ import annotations

from sandbox_cli.slots import BOOT_ID, CONTROL_FD, GID, LAUNCHER_FD, UID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.model import Scratch, SealFacts
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


def seal(policy: Policy, made: Sequence[tuple[str, str]]) -> SealFacts:
    """What must be seen of a jail whose root is its own tmpfs: all namespaces but time, no mount but the plan's.

    `made` are those that the jailer makes for every policy: (path, ro | rw).
    """
    closed = own_network(policy)
    return {
        "namespaces": ["user", "pid", "mnt", "ipc", "uts", "cgroup", *(["net"] if closed else [])],
        "hidden_namespaces": False,
        "interfaces": ["lo"] if closed else None,
        "mounts": [*_mount_modes(policy), *made],
        "elsewhere": ["/dev"],  # its devices
    }


def noexec(mounts: Mapping[str, Mount]) -> list[str]:
    """Where nothing may be run."""
    return [path for path, mount in mounts.items() if mount.noexec]


def _mount_modes(policy: Policy) -> list[tuple[str, str]]:
    """As mountinfo shows them: (path, ro | rw)."""
    return [
        ("/", "ro"),
        ("/proc", "rw"),
        ("/dev", "ro"),
        ("/dev/shm", "rw"),  # noqa: S108
        (SCRATCH_PATH, "rw"),
        *(
            (path, "rw" if is_writable(mount) else "ro")
            for path, mount in policy.filesystem.items()
            if mount.mode != "symlink"
        ),
        *((path, "ro") for path, _ in (*made_files(policy), BOOT_ID_FILE)),
    ]
