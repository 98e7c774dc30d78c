"""/proc and /dev, which every jail has of its own: what is in them works, and opens nothing of the host's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox_cli.verify import kernel
from sandbox_cli.verify.attempts import JAIL, compared, granted, refused, shows
from sandbox_cli.verify.calls import AT_FDCWD, Call, Of, call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.verify.attempts import Judged, Try
    from sandbox_cli.verify.calls import Answer

_DEVICES = {"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "fd", "stdin", "stdout", "stderr"}
_HARMLESS = {"core"}  # a link that leads nowhere
_SECRET = (
    "kcore", "kmsg", "kpagecount", "slabinfo", "vmallocinfo", "keys", "kallsyms", "interrupts", "cmdline",
    "timer_list", "timer_stats", "sched_debug", "latency_stats",
    "1/environ", "1/mem", "1/maps", "1/root/", "1/cwd/", "1/fd/0", "1/exe",
)  # fmt: skip
_FOLDERS = ("acpi", "asound", "bus", "driver", "irq", "scsi", "fs", "pressure")
_SWITCHES = (
    "sysrq-trigger", "sys/kernel/core_pattern", "sys/kernel/modprobe", "sys/kernel/hostname", "sys/vm/drop_caches",
    "sys/fs/binfmt_misc/register", "sys/net/ipv4/ip_forward", "sys/user/max_user_namespaces", "mtrr",
    "irq/default_smp_affinity", "scsi/scsi", "acpi/wakeup", "timer_list", "latency_stats", "1/oom_score_adj",
)  # fmt: skip


def tries() -> Iterator[Try]:
    yield _names()
    yield granted(JAIL, "write to /dev/null", _opened("/dev/null", os.O_WRONLY), call("write", Of(0), b"x", 1))
    for name in ("zero", "random", "urandom"):
        yield granted(JAIL, f"read /dev/{name}", *kernel.reading(f"/dev/{name}", 8))
    full = _opened("/dev/full", os.O_WRONLY), call("write", Of(0), b"x", 1)
    yield refused(JAIL, "write to /dev/full", *full, errors={"ENOSPC"})
    yield refused(JAIL, "open the caller's terminal", _opened("/dev/tty", os.O_RDWR), errors={"ENXIO"})
    yield granted(JAIL, "read /proc/self/status", *kernel.reading("/proc/self/status", 1))
    for name in _SECRET:
        yield refused(JAIL, f"read /proc/{name}", *kernel.reading(f"/proc/{name}", 1))
    for name in _FOLDERS:
        yield refused(JAIL, f"list /proc/{name}", *kernel.listing(f"/proc/{name}"))
    for name in _SWITCHES:
        yield refused(JAIL, f"open /proc/{name} to write", _opened(f"/proc/{name}", os.O_WRONLY))


def _opened(path: str, flags: int) -> Call:
    return call("openat", AT_FDCWD, path, flags | os.O_NONBLOCK)


def _names() -> Try:
    def read(answer: Answer) -> Judged:
        found = kernel.entries(answer.buffers[0], answer.results[1]) - _HARMLESS
        return compared(found, _DEVICES)

    return shows(JAIL, "list /dev", kernel.listing("/dev"), ", ".join(sorted(_DEVICES)), read)
