"""The sampler: looks at the job's whole tree from outside, at short intervals, and says which limit it is over.

It is the enforcer where no control group is to be had. It can overshoot between two looks, and a job can
hide from it between them; its level says so (`sampled`).
"""

from __future__ import annotations

import math
import os
import time

from sandbox_cli.run.limits import amounts
from sandbox_cli.run.system import lines_of, read_text, status_of
from sandbox_cli.run.tree import DEEPEST, LONGEST_PATH, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.plan.model import Limit
    from sandbox_cli.run.limits import Measured

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Of /proc/PID/stat behind the name: CPU time of the process, and of its children that were waited for (proc(5), 14-17).
_USER, _SYSTEM, _USER_REAPED, _SYSTEM_REAPED = 11, 12, 13, 14
_FIRST_LOOK_S = 0.01
_SHORTEST_S, _LONGEST_S = 0.02, 0.25
_LAST_LOOK_S = 0.005
_LOOK_S = 0.2  # the longest that one look may take
_SHARE = 20  # a look may cost one part in twenty of the supervisor's time


_WORDS: dict[str, Callable[[float], str]] = {
    "memory": lambda value: f"{amounts.size(value)} in use",
    "cpu_time": lambda value: f"{amounts.seconds(value)} used",
    "processes": lambda value: f"{value:.0f} at once",
    "scratch_size": lambda value: f"{amounts.size(value)} in use",
    "scratch_files": lambda value: (
        f"{value:.0f} files and folders" if value < math.inf else "folders too deep to count"
    ),
}


class Sampler:
    """Watches the tree below one process: the launcher's `init`, which inherits every orphan of the job.

    `tree` says whether its processes are looked at: what a control group holds and measures they need not be for.
    `first` says that nothing has run in this jail before.
    """

    NAME = "sampler"

    def __init__(
        self,
        init: int,
        limits: dict[str, Limit],
        scratch: int | None,
        *,
        counted: bool,
        tree: bool = True,
        first: bool = False,
    ) -> None:
        self.cpu_user_s = self.cpu_system_s = 0.0
        self.memory_peak_bytes = self.processes_peak = 0
        self.full: set[str] = set()  # the bounds of scratch that were reached at a look
        self.looks = 0
        self._init = init
        self._before = _reaped(init) if tree and not first else (0.0, 0.0)
        self._tree_is_watched = tree
        self._limits = {name: limit["value"] for name, limit in limits.items() if limit["enforcer"] == "sampler"}
        self._bounded = {name for name in ("scratch_size", "scratch_files") if name in limits}
        self._scratch = scratch
        self._counted = counted  # scratch is a directory among others of a file system: its files must be counted
        idle = not tree and (scratch is None or not self._bounded)
        self.next_look: float | None = None if idle else time.monotonic() + _FIRST_LOOK_S

    def look(self, until: float = math.inf) -> tuple[str, str] | None:
        """Takes one look. Returns the limit that is exceeded and what was seen of it, or None.

        A tree can be made so large that a look takes longer than its job may: at `until`, or after _LOOK_S, it
        is broken off, and what was seen by then counts.
        """
        began = time.monotonic()
        until = min(until, began + _LOOK_S)
        self.looks += 1
        seen = self._tree(until) if self._tree_is_watched else {}
        if self._scratch is not None and self._bounded:
            seen |= self._scratch_use(self._scratch, until)
        took = time.monotonic() - began
        self.next_look = time.monotonic() + min(max(took * _SHARE, _SHORTEST_S), _LONGEST_S)
        for name, value in self._limits.items():
            if seen.get(name, 0) > value:
                return name, _WORDS[name](seen[name])
        return None

    def last_look(self) -> None:
        """Takes a short one, for what the job used. Without an fd left to look with a figure may be too low."""
        try:
            self.look(time.monotonic() + _LAST_LOOK_S)
        except OSError:
            pass

    def interests(self) -> list[tuple[int, int]]:
        """See Enforcer: nothing wakes it but time."""
        return []

    def woken(self) -> None:
        """See Enforcer."""

    def measured(self) -> tuple[Measured, dict[str, str]]:
        """See Enforcer: what was alive at its looks, no more."""
        why = "no control group measures this job"
        missing = {"read_bytes": why, "written_bytes": why}
        if not self._tree_is_watched or not self.looks:
            return {}, missing
        found: Measured = {"cpu_user_s": self.cpu_user_s, "cpu_system_s": self.cpu_system_s}
        if self.processes_peak:
            found |= {"memory_peak_bytes": self.memory_peak_bytes, "processes_peak": self.processes_peak}
        return found, missing

    def _tree(self, until: float) -> dict[str, float]:
        user, system = (-seconds for seconds in self._before)
        tasks = 0.0
        memory = _Memory(until)
        sizes: dict[int, list[str]] = {}
        for pid in _below(self._init):
            if time.monotonic() > until:
                break
            try:
                fields = _stat(pid)
                user += (int(fields[_USER]) + int(fields[_USER_REAPED])) / _TICK
                system += (int(fields[_SYSTEM]) + int(fields[_SYSTEM_REAPED])) / _TICK
                if pid != self._init:
                    tasks += int(fields[17])
                    sizes[pid] = fields[20:22]  # virtual and resident
                    if sizes.get(parent := int(fields[1])) == fields[20:22] and _waits_for_a_child(parent):
                        sizes[parent] = []  # one child, whichever: the others are counted
                    else:
                        memory.add(pid)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile: its time is its parent's now
        total = memory.total()
        self.cpu_user_s, self.cpu_system_s = max(self.cpu_user_s, user), max(self.cpu_system_s, system)
        self.memory_peak_bytes = max(self.memory_peak_bytes, total)
        self.processes_peak = max(self.processes_peak, int(tasks))
        return {"cpu_time": user + system, "memory": total, "processes": tasks}

    def _scratch_use(self, scratch: int, until: float) -> dict[str, float]:
        if self._counted:
            size, files = _count(scratch, until)
            return {"scratch_size": size, "scratch_files": files}
        room = os.fstatvfs(scratch)
        self.full |= full(room)
        return {
            "scratch_size": (room.f_blocks - room.f_bfree) * room.f_frsize,
            "scratch_files": max(room.f_files - room.f_ffree - 1, 0),  # its root is not the job's
        }


class _Memory:
    """Memory of many processes, what they share counted once.

    Resident sizes would count shared pages for each process and miss a memfd that is written but not
    mapped; so: proportional shares, and files that live in memory through the fds that hold them.
    """

    def __init__(self, until: float) -> None:
        self._until = until
        self._private = 0
        self._shared = 0
        self._files: dict[tuple[int, int], int] = {}

    def add(self, pid: int) -> None:
        try:
            rollup = lines_of(f"/proc/{pid}/smaps_rollup")
        except PermissionError:
            self._add_resident(pid)
            return
        for line in rollup:
            if line.startswith(("Pss_Anon:", "Pss_File:", "SwapPss:")):
                self._private += int(line.split()[1]) << 10
            elif line.startswith("Pss_Shmem:"):
                self._shared += int(line.split()[1]) << 10
        self._add_files(f"/proc/{pid}/fd")

    def _add_files(self, folder: str) -> None:
        try:
            fds = os.listdir(folder)
        except (FileNotFoundError, PermissionError):
            return  # it is ending: then nobody may look any more
        for fd in fds:
            if time.monotonic() > self._until:
                return
            path = f"{folder}/{fd}"
            try:
                if os.readlink(path).startswith("/memfd:"):
                    found = os.stat(path)
                    self._files[found.st_dev, found.st_ino] = found.st_blocks * 512
            except OSError:
                continue  # closed meanwhile, of a process that is ending, or of a path longer than can be told

    def _add_resident(self, pid: int) -> None:
        """Where the kernel doesn't show shares (a set-uid jailer's job to an ordinary user): resident pages.

        It counts what processes share once for each, so it errs on the strict side.
        """
        resident, shared = read_text(f"/proc/{pid}/statm").split()[1:3]
        self._private += (int(resident) - int(shared)) * _PAGE
        shmem = status_of(pid).get("RssShmem", "0")
        self._shared += int(shmem.split()[0]) << 10

    def total(self) -> int:
        return self._private + max(self._shared, sum(self._files.values()))


def full(room: os.statvfs_result) -> set[str]:
    """What a file system of the job's own has none left of. Without a bound on files, it counts none at all."""
    bounds = set[str]()
    if room.f_blocks and not room.f_bavail:
        bounds.add("scratch_size")
    if room.f_files and not room.f_ffree:
        bounds.add("scratch_files")
    return bounds


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name, which may hold anything."""
    return read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()


def _reaped(init: int) -> tuple[float, float]:
    """CPU seconds of what ran in the jail before this program, a compiler: user and system."""
    try:
        fields = _stat(init)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0
    return int(fields[_USER_REAPED]) / _TICK, int(fields[_SYSTEM_REAPED]) / _TICK


def _below(pid: int) -> list[int]:
    """The process and all below it, by the lists of children that each task keeps."""
    found = [pid]
    for each in found:
        try:
            tasks = os.listdir(f"/proc/{each}/task")
        except (FileNotFoundError, ProcessLookupError):
            continue
        for task in tasks:
            try:
                found += [int(child) for child in read_text(f"/proc/{each}/task/{task}/children").split()]
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found


def _waits_for_a_child(pid: int) -> bool:
    """Whether a task of it sleeps as in vfork (state D), whose child has the very same memory until it executes."""
    for task in os.listdir(f"/proc/{pid}/task"):
        if read_text(f"/proc/{pid}/task/{task}/stat").rpartition(")")[2].split()[0] == "D":
            return True
    return False


def _count(folder: int, until: float) -> tuple[float, float]:
    """Bytes that are allocated below a directory, and how many names. A folder that is closed hides what it holds."""
    size = files = 0
    for path, found in walk(folder):
        if time.monotonic() > until:
            break
        if found is not None:
            files += 1
            size += found.st_blocks * 512
        elif path.count(b"/") >= DEEPEST - 1 or len(path) >= LONGEST_PATH:
            return size, math.inf
    return size, files
