"""One job's control group: what both versions share.

A group of the job has two parts. The launcher joins the outer one before it becomes the jailer, so that all of
the jail lies in it and can be killed by it. The program is moved into the inner one, which has the limits, while
it waits at the gate: one process, whose children will all be born there. So neither the jailer nor the launcher
eats of the job's allowance, and what is counted is the job's alone.

Outer parts are named and locked as scratch directories are (names.py): whoever finds one can tell whose it is, and
whether its run still lives.

A job that is compiled first has two programs, one after another, and each gets an inner part of its own: with its
limits, and counters that begin at 0.
"""

from __future__ import annotations

import math
import os
import select
import time
from abc import ABC, abstractmethod

from sandbox_cli.errors import HostError
from sandbox_cli.run import names
from sandbox_cli.run.fds import close
from sandbox_cli.run.limits import amounts
from sandbox_cli.run.limits.cgroupfs import fields, kill, number, remove, write
from sandbox_cli.run.system import lines_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.plan.model import Groups, Limit
    from sandbox_cli.run.limits import Measured

PERIOD_US = 100_000  # of the CPU bandwidth: the kernel's own default
_MOST_TASKS = 1 << 22  # that there can be at all (PID_MAX_LIMIT): more than that a group takes for a mistake
_SHORTEST_S, _LONGEST_S = 0.005, 0.25
_ALARM_S = 1.0  # what the kernel may take to kill


class Group(ABC):
    """A job's group; subclasses know the files of their version."""

    _WAKES_BY = select.POLLIN
    _CPU: tuple[str, ...] = ()  # the controller that counts CPU time; none where every group does
    _PEAKS: tuple[tuple[str, str, str], ...]  # a field of Measured, its controller and its file

    def __init__(self, groups: Groups, limits: dict[str, Limit]) -> None:
        self.NAME = groups["enforcer"]
        self.joins: list[str] = []  # what `enter` joins
        self.next_look: float | None = None
        self._limits: dict[str, float] = {}
        self._parents = groups["parents"]  # controller -> the directory that the job's own is made in
        self._inner: dict[str, str] = {}  # controller -> the directory whose limits and counters are the job's
        self._made: list[str] = []  # every directory, an outer one before those in it
        self._locks: list[int] = []
        self._wake: int | None = None  # tells that memory ran out
        self._alarmed_until = 0.0
        self._parts = 0
        self.begin(limits)

    # ---- what each version does in its own way ----

    @abstractmethod
    def _make_outer(self) -> None:
        """Makes what the jailer joins. Raises OSError."""

    @abstractmethod
    def _make_inner(self, name: str) -> dict[str, str]:
        """Makes an inner part, and returns its directory for each controller. Raises OSError."""

    @abstractmethod
    def _bound(self) -> None:
        """Sets the limits, and opens what tells that memory ran out. Raises OSError."""

    @abstractmethod
    def _rearm(self, wake: int) -> bool:
        """Takes what woke us, so that the next does too. True: a kill may follow that wakes nobody. Raises OSError."""

    @abstractmethod
    def _kills(self) -> tuple[int, bool]:
        """How many processes were killed for memory, and whether the group was at its own limit. Raises OSError."""

    @abstractmethod
    def _cpu_s(self) -> tuple[float, float] | None:
        """CPU seconds of the job, user and system; None where they aren't counted. Raises OSError."""

    @abstractmethod
    def _bytes(self) -> tuple[Measured, dict[str, str]]:
        """Bytes read and written, and why one of them can't be told."""

    # ---- the job's life ----

    def begin(self, limits: dict[str, Limit]) -> None:
        """Makes an inner part with `limits` for the job's next program. Raises HostError."""
        close(self._wake)
        self._wake = self.next_look = None
        self._alarmed_until = 0.0
        self._limits = {name: limit["value"] for name, limit in limits.items() if limit["enforcer"] == self.NAME}
        self._parts += 1
        bounded = False
        try:
            if not self._made:
                self._make_outer()
            self._inner = self._make_inner(f"job-{self._parts}")
            self._bound()
            bounded = True
        except OSError as error:
            raise HostError(
                f"no control group can be made for the job: {error.strerror}: {error.filename}",
                hint="`sandbox doctor` says what this host allows",
            ) from error
        finally:
            if not bounded:  # whatever it was that kept us from it
                self.close()

    def admit(self, pid: int) -> None:
        """Moves the program in, which waits at the gate. Raises OSError where the kernel refuses."""
        for directory in dict.fromkeys(self._inner.values()):
            write(f"{directory}/cgroup.procs", pid)
        if "cpu_time" in self._limits:
            self._look_in(_SHORTEST_S)

    def holds(self, pid: int) -> bool:
        """Whether the kernel shows `pid` in the inner part, for every controller."""
        shown: dict[str, str] = {}
        for line in lines_of(f"/proc/{pid}/cgroup"):
            _, controllers, path = line.split(":", 2)
            shown |= dict.fromkeys(controllers.split(","), path)
        whole = shown.get("", "")  # version 2: one tree for all
        return all(
            shown.get(controller, whole).endswith(directory.removeprefix(self._parents[controller]))
            for controller, directory in self._inner.items()
        )

    def interests(self) -> list[tuple[int, int]]:
        """See Enforcer: an fd that tells that memory ran out."""
        return [(self._wake, self._WAKES_BY)] if self._wake is not None else []

    def woken(self) -> None:
        """Memory ran short, or the group is gone, of which the look tells: see Enforcer."""
        if self._wake is not None:
            try:
                if self._rearm(self._wake):
                    self._alarmed_until = time.monotonic() + _ALARM_S
            except OSError:
                pass
            self._look_in(0.0)

    def look(self, until: float = math.inf) -> tuple[str, str] | None:
        """See Enforcer. The next look is due when the CPU time can be used up at the soonest, on all cores.

        Raises OSError where the group can't be read any more.
        """
        del until  # a look reads two or three small files, however large the job is
        self.next_look = None
        if (words := self.kernel_killed) is not None:
            return "memory", words
        if time.monotonic() < self._alarmed_until:
            self._look_in(0.0)
        if "cpu_time" in self._limits:
            used, allowed = sum(self._cpu_s() or ()), self._limits["cpu_time"]
            if used >= allowed:
                return "cpu_time", f"{amounts.seconds(used)} used"
            self._look_in((allowed - used) / min(self._limits.get("cpus", math.inf), os.cpu_count() or 1))
        return None

    def measured(self) -> tuple[Measured, dict[str, str]]:
        """See Enforcer. Read when the job's processes are gone, it is all that they used."""
        found, missing = self._bytes()
        if (cpu := self._cpu_s()) is not None:
            found["cpu_user_s"], found["cpu_system_s"] = cpu
        for field, controller, file in self._PEAKS:
            if controller not in self._inner:
                continue
            if (value := number(f"{self._inner[controller]}/{file}")) is not None:
                found[field] = value
            else:
                missing[field] = "this kernel keeps no such peak in a control group (Linux 6.1 does)"
        return found, missing

    def hits(self) -> dict[str, int]:
        """How often the job ran into a limit that it survives: forks that were refused."""
        if "processes" not in self._limits:
            return {}
        refused = fields(f"{self._inner['pids']}/pids.events").get("max", 0)
        return {"processes": refused} if refused else {}

    @property
    def kernel_killed(self) -> str | None:
        """In words, that the kernel killed a process of the job for its memory; None: it didn't."""
        killed, at_limit = self._kills() if "memory" in self._limits else (0, False)
        if not killed:
            return None
        return "killed by the kernel" if at_limit else "killed by the kernel, since memory ran out around the job"

    @property
    def lost(self) -> bool:
        """Whether somebody removed it: then nobody holds the job to its limits, and no figure is its own."""
        return not all(os.path.isdir(directory) for directory in dict.fromkeys(self._inner.values()))

    @property
    def sees_all(self) -> bool:
        """Whether it counts memory, tasks and CPU time: then nobody else has to look at the job's processes."""
        return {"memory", "pids", *self._CPU} <= self._inner.keys()

    def kill(self) -> None:
        """Kills all of the jail, the jailer and its watcher too, frozen or not."""
        kill(self._made)

    def close(self) -> None:
        """Removes the group, with what is still in it. What doesn't go in time is left for a sweep."""
        close(self._wake)
        self._wake = None
        remove(self._made)
        self._made = []
        close(*self._locks)
        self._locks = []

    def _look_in(self, seconds: float) -> None:
        moment = time.monotonic() + min(max(seconds, _SHORTEST_S), _LONGEST_S)
        self.next_look = moment if self.next_look is None else min(self.next_look, moment)

    def _lead(self, parent: str) -> str:
        """Makes an outermost directory, and locks it as ours."""
        path, lock = names.make(parent, 0o755)
        self._made.append(path)
        self._locks.append(lock)
        return path

    def _below(self, outer: str, name: str) -> str:
        path = f"{outer}/{name}"
        os.mkdir(path, 0o755)
        self._made.append(path)
        return path

    def _bound_pids(self) -> None:
        if "processes" in self._limits:
            write(f"{self._inner['pids']}/pids.max", min(int(self._limits["processes"]), _MOST_TASKS))
