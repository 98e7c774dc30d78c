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
    "acpi", "asound", "bus", "driver", "fs", "irq", "scsi",
)  # fmt: skip


def closed(kind: Callable[[Path], bool]) -> list[str]:
    """Those of one kind that the host opens to everybody: a jail has to close them."""
    paths = [Path("/proc", name) for name in CLOSED]
    return [str(path) for path in paths if kind(path) and path.stat().st_mode & 0o006]
