"""What of the host's /proc a job must not be able to open, told from the host alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# What docs/backends.md says, once more.
CLOSED = (
    "keys", "kallsyms", "interrupts", "cmdline", "kcore", "kmsg", "kpagecgroup", "kpagecount", "kpageflags",
    "slabinfo", "vmallocinfo", "latency_stats", "sched_debug", "timer_list", "timer_stats", "sysrq-trigger",
    "acpi", "asound", "bus", "driver", "fs", "irq", "pressure", "scsi",
)  # fmt: skip

# What programs read: libraries of every shipped language, and common tools.
NEEDED = (
    "cpuinfo", "meminfo", "stat", "uptime", "loadavg", "vmstat", "filesystems", "version", "mounts", "self/status",
    "net/dev", "net/route", "net/tcp", "sys/kernel/osrelease", "sys/kernel/cap_last_cap", "sys/kernel/pid_max",
    "sys/kernel/ngroups_max", "sys/kernel/threads-max", "sys/kernel/random/uuid", "sys/vm/overcommit_memory",
    "sys/vm/max_map_count", "sys/fs/file-max", "sys/net/core/somaxconn",
)  # fmt: skip


def closed(kind: Callable[[Path], bool]) -> list[str]:
    """Those of one kind that the host opens to everybody: a jail has to close them."""
    paths = [Path("/proc", name) for name in CLOSED]
    return [str(path) for path in paths if kind(path) and path.stat().st_mode & 0o006]
