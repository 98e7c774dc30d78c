"""cgroup version 2: one tree. A group with members can't hand out controllers: jailer and job lie side by side in it.

Source of the facts: the kernel's Documentation/admin-guide/cgroup-v2.
"""

from __future__ import annotations

import os
import select

from sandbox_cli.run.fds import own
from sandbox_cli.run.limits.cgroupfs import fields, is_stacked, swap_is_on, write
from sandbox_cli.run.limits.group import PERIOD_US, Group
from sandbox_cli.run.system import lines_of, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.run.limits import Measured

HOLDS = {"processes": "pids", "memory": "memory", "cpus": "cpu"}  # limit -> controller; every group counts CPU time
CONTROLLERS = (*HOLDS.values(), "io")  # the last only counts
_CONTROL = "cgroup.subtree_control"
_NO_IO = "the io controller is not handed on to this group"


class GroupV2(Group):
    """A job's group in the one tree of version 2."""

    _WAKES_BY = select.POLLPRI
    _PEAKS = (("memory_peak_bytes", "memory", "memory.peak"), ("processes_peak", "pids", "pids.peak"))

    def _make_outer(self) -> None:
        outer = self._lead(next(iter(self._parents.values())))  # one for all: the values are the same
        self.joins.append(f"{self._below(outer, 'jail')}/cgroup.procs")
        if words := [f"+{controller}" for controller in self._parents if controller]:
            write(f"{outer}/{_CONTROL}", " ".join(words))

    def _make_inner(self, name: str) -> dict[str, str]:
        return dict.fromkeys(self._parents, self._below(self._made[0], name))

    def _bound(self) -> None:
        self._bound_pids()
        if "memory" in self._limits:
            self._bound_memory(self._inner["memory"], int(self._limits["memory"]))
        if "cpus" in self._limits:
            write(f"{self._inner['cpu']}/cpu.max", f"{int(self._limits['cpus'] * PERIOD_US)} {PERIOD_US}")

    def _bound_memory(self, directory: str, value: int) -> None:
        write(f"{directory}/memory.max", value)
        write(f"{directory}/memory.oom.group", 1)  # whoever is killed, all are: no half of a job goes on
        try:
            write(f"{directory}/memory.swap.max", 0)
        except FileNotFoundError:
            if swap_is_on():
                raise
        self._wake = own(os.open, f"{directory}/memory.events", os.O_RDONLY | os.O_CLOEXEC)
        self._rearm(self._wake)

    def _rearm(self, wake: int) -> bool:
        os.pread(wake, 4096, 0)
        return False  # each count of this file wakes us, and most are no kill: page cache that was given up

    def _kills(self) -> tuple[int, bool]:
        events = fields(f"{self._inner['memory']}/memory.events")
        return events.get("oom_kill", 0), events.get("oom", 0) > 0

    def _cpu_s(self) -> tuple[float, float] | None:
        seen = fields(f"{next(iter(self._inner.values()))}/cpu.stat")
        return seen["user_usec"] / 1e6, seen["system_usec"] / 1e6

    def _bytes(self) -> tuple[Measured, dict[str, str]]:
        """What was handed to a device, and of what was written what is still to be."""
        if "io" not in self._inner:
            return {}, {"read_bytes": _NO_IO, "written_bytes": _NO_IO}
        read = written = 0
        for line in lines_of(f"{self._inner['io']}/io.stat"):  # 254:0 rbytes=4096 wbytes=0 rios=1 ...
            device, *words = line.split()
            if is_stacked(device):
                continue
            seen = dict(word.split("=") for word in words if "=" in word)
            read += int(seen.get("rbytes", 0))
            written += int(seen.get("wbytes", 0))
        if "memory" not in self._inner:
            return {"read_bytes": read}, {"written_bytes": "without the memory controller writes are not the job's"}
        # Pages under writeback are in `wbytes` already: that counts what was handed over, not what is done.
        written += fields(f"{self._inner['memory']}/memory.stat").get("file_dirty", 0)
        return {"read_bytes": read, "written_bytes": written}, {}


def enable(directory: str) -> set[str]:
    """Hands the controllers on to the groups below `directory`; returns those that are.

    Where processes sit in it (but in the root of all groups) that is refused: they are moved into a leaf of it first.
    """
    offered = set(read_text(f"{directory}/cgroup.controllers").split()) & set(CONTROLLERS)
    if offered <= set(read_text(f"{directory}/{_CONTROL}").split()):
        return offered
    if os.path.exists(f"{directory}/cgroup.type"):  # the root of all groups has none, and may have members
        _empty(directory)
    for controller in sorted(offered):  # one at a time: one that is refused fails a whole write
        try:
            write(f"{directory}/{_CONTROL}", f"+{controller}")
        except OSError:
            continue
    return offered & set(read_text(f"{directory}/{_CONTROL}").split())


LEAF = "supervisor"


def _empty(directory: str) -> None:
    """Moves what sits in a group into a leaf of it. More than once: what is moved may be forking."""
    leaf = f"{directory}/{LEAF}"
    try:
        os.mkdir(leaf, 0o755)
    except FileExistsError:
        pass
    for _ in range(10):
        members = read_text(f"{directory}/cgroup.procs").split()
        if not members:
            return
        for pid in members:
            try:
                write(f"{leaf}/cgroup.procs", pid)
            except ProcessLookupError:
                continue  # it ended meanwhile
