"""cgroup version 1: a tree for each controller. The program is moved into one group of each; the jailer joins one.

Sources of the facts: the kernel's Documentation/admin-guide/cgroup-v1 (memory, pids, cpuacct) and
Documentation/scheduler/sched-bwc.
"""

from __future__ import annotations

import os

from sandbox_cli.run.fds import own
from sandbox_cli.run.limits.cgroupfs import fields, number, swap_is_on, write
from sandbox_cli.run.limits.group import PERIOD_US, Group
from sandbox_cli.run.system import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.run.limits import Measured

HOLDS = {"processes": "pids", "memory": "memory", "cpu_time": "cpuacct", "cpus": "cpu"}  # limit -> controller
CONTROLLERS = tuple(HOLDS.values())
_BATCH = 1 << 20  # more than what is charged at once, and is missing from the peak where that is refused


class GroupV1(Group):
    """A job's group in each tree of version 1."""

    _CPU = ("cpuacct",)
    _PEAKS = (
        ("memory_peak_bytes", "memory", "memory.max_usage_in_bytes"),
        ("processes_peak", "pids", "pids.peak"),
    )

    def _make_outer(self) -> None:
        self.joins.append(f"{self._lead(self._joined)}/cgroup.procs")

    def _make_inner(self, name: str) -> dict[str, str]:
        made: dict[str, str] = {}  # two controllers may share a tree (cpu,cpuacct)
        for parent in self._parents.values():
            if parent not in made:
                made[parent] = self._below(self._made[0], name) if parent == self._joined else self._lead(parent)
        return {controller: made[parent] for controller, parent in self._parents.items()}

    @property
    def _joined(self) -> str:
        """The tree in which the jailer joins an outer part: one is enough to find all of a jail."""
        return next(iter(self._parents.values()))

    def _bound(self) -> None:
        self._bound_pids()
        if "memory" in self._limits:
            self._bound_memory(self._inner["memory"], int(self._limits["memory"]))
        if "cpus" in self._limits:
            write(f"{self._inner['cpu']}/cpu.cfs_period_us", PERIOD_US)
            write(f"{self._inner['cpu']}/cpu.cfs_quota_us", int(self._limits["cpus"] * PERIOD_US))

    def _bound_memory(self, directory: str, value: int) -> None:
        write(f"{directory}/memory.limit_in_bytes", value)
        try:
            write(f"{directory}/memory.memsw.limit_in_bytes", value)
        except FileNotFoundError:  # swap is not counted here: then the job gets none
            if swap_is_on():
                write(f"{directory}/memory.swappiness", 0)
        self._wake = own(os.eventfd, 0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        events = os.open(f"{directory}/memory.oom_control", os.O_RDONLY | os.O_CLOEXEC)
        try:
            write(f"{directory}/cgroup.event_control", f"{self._wake} {events}")
        finally:
            os.close(events)

    def _rearm(self, wake: int) -> bool:
        os.eventfd_read(wake)
        return True  # it is said before the kernel looks for a victim

    def _kills(self) -> tuple[int, bool]:
        directory = self._inner["memory"]
        killed = fields(f"{directory}/memory.oom_control").get("oom_kill", 0)
        peak = number(f"{directory}/memory.max_usage_in_bytes") or 0
        # memory.failcnt stays 0 in newer kernels. A huge page may have been refused some way below the limit, and of a
        # small one nothing may ever have been charged: pages are asked for by the batch.
        limit = self._limits["memory"]
        return killed, peak >= min(limit * 7 / 8, limit - _BATCH)

    def _cpu_s(self) -> tuple[float, float] | None:
        directory = self._inner.get("cpuacct")
        if directory is None:
            return None
        total = int(read_text(f"{directory}/cpuacct.usage"))
        user, system = (number(f"{directory}/cpuacct.usage{mode}") or 0 for mode in ("_user", "_sys"))
        # The total is exact. The parts are counted in ticks: they only say how to divide it, as for a process.
        share = system / (user + system) if user + system else 0.0
        return total * (1 - share) / 1e9, total * share / 1e9

    def _bytes(self) -> tuple[Measured, dict[str, str]]:
        return {}, {
            "read_bytes": "cgroup v1 counts what is read from a device only while it throttles that",
            "written_bytes": "cgroup v1 does not count buffered writes",
        }
