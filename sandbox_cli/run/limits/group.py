"""One job's control group: what both versions share.

A group of the job has two parts. The launcher joins the outer one before it becomes the jailer, so that all of
the jail lies in it and can be killed by it. The program is moved into the inner one, which has the limits, while
it waits at the gate: one process, whose children will all be born there. So neither the jailer nor the launcher
eats of the job's allowance, and what is counted is the job's alone.

Groups are named as scratch directories are, with pid and start time of the supervisor, which holds a lock on the
outer one: whoever finds it can tell whether that one still lives.
"""

from __future__ import annotations

import fcntl
import math
import os
import select
import time

from sandbox_cli.errors import HostError
from sandbox_cli.run.names import own_name, was_left_behind
from sandbox_cli.run.system import close, kill_by_pidfd, lines_of, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox_cli.plan.model import Groups, Limit
    from sandbox_cli.run.limits import Measured

PERIOD_US = 100_000  # of the CPU bandwidth: the kernel's own default
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_EMPTY_S = 5.0  # what killed processes take to be gone from a group
_SHORTEST_S, _LONGEST_S = 0.005, 0.25


class Group:
    """A job's group; subclasses know the files of their version."""

    def __init__(self, groups: Groups, limits: dict[str, Limit]) -> None:
        self.NAME = groups["enforcer"]
        self.joins: list[str] = []  # what `enter` joins
        self.next_look: float | None = None
        self._limits = {name: limit["value"] for name, limit in limits.items() if limit["enforcer"] == self.NAME}
        self._parents = groups["parents"]  # controller -> the directory that the job's own is made in
        self._inner: dict[str, str] = {}  # controller -> the directory whose limits and counters are the job's
        self._made: list[str] = []  # every directory, an outer one before those in it
        self._locks: list[int] = []
        self._wake: int | None = None  # tells that memory ran out
        try:
            self._make()
            self._bound()
        except OSError as error:
            self.close()
            raise HostError(
                f"no control group can be made for the job: {error.strerror}: {error.filename}",
                hint="`sandbox doctor` says what this host allows",
            ) from error

    # ---- what each version does in its own way ----

    _WAKES_BY = select.POLLIN

    def _make(self) -> None:
        """Makes the directories. Raises OSError."""
        raise NotImplementedError

    def _bound(self) -> None:
        """Sets the limits, and opens what tells that memory ran out. Raises OSError."""
        raise NotImplementedError

    def _rearm(self, wake: int) -> None:
        """Takes what woke us, so that the next one does too."""
        raise NotImplementedError

    def _kills(self) -> tuple[int, bool]:
        """How many processes the kernel killed for memory, and whether the group was at its own limit."""
        raise NotImplementedError

    def _cpu_s(self) -> tuple[float, float] | None:
        """CPU seconds of the job, user and system; None where they aren't counted."""
        raise NotImplementedError

    def _peaks(self) -> dict[str, str]:
        """Field of Measured -> the file that holds it."""
        raise NotImplementedError

    def _bytes(self) -> tuple[Measured, dict[str, str]]:
        """Bytes read and written, and why one of them can't be told."""
        raise NotImplementedError

    # ---- the job's life ----

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
        """Memory ran out. The kernel may say so before it has killed."""
        if self._wake is not None:
            self._rearm(self._wake)
            self._look_in(0.0)

    def look(self, until: float = math.inf) -> tuple[str, str] | None:
        """See Enforcer. The next look is due when the CPU time can be used up at the soonest, on all cores."""
        del until  # a look reads two or three small files, however large the job is
        self.next_look = None
        if (words := self.kernel_killed) is not None:
            return "memory", words
        if "cpu_time" in self._limits:
            used, allowed = sum(self._cpu_s() or ()), self._limits["cpu_time"]
            if used >= allowed:
                return "cpu_time", f"{used:.2f}s used"
            self._look_in((allowed - used) / min(self._limits.get("cpus", math.inf), os.cpu_count() or 1))
        return None

    def measured(self) -> Measured:
        """See Enforcer. Read when the job's processes are gone, it is all that they used."""
        found, _ = self._bytes()
        if (cpu := self._cpu_s()) is not None:
            found["cpu_user_s"], found["cpu_system_s"] = cpu
        for field, path in self._peaks().items():
            if (value := number(path)) is not None:
                found[field] = value
        return found

    def missing(self) -> dict[str, str]:
        """See Enforcer."""
        _, reasons = self._bytes()
        for field, path in self._peaks().items():
            if number(path) is None:
                reasons[field] = "this kernel keeps no such peak in a control group (Linux 6.1 does)"
        return reasons

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
        return "killed by the kernel" if at_limit else "killed by the kernel, since the host ran out of memory"

    @property
    def sees_all(self) -> bool:
        """Whether it counts memory, tasks and CPU time: then nobody else has to look at the job's processes."""
        return {"memory", "pids"} <= self._inner.keys() and self._cpu_s() is not None

    def kill(self) -> None:
        """Kills all of the jail, the jailer too."""
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
        while True:
            path = f"{parent}/{own_name()}"
            os.mkdir(path, 0o755)
            lock = _locked(path)
            if lock is not None:
                self._locks.append(lock)
                self._made.append(path)
                return path

    def _below(self, outer: str, name: str) -> str:
        path = f"{outer}/{name}"
        os.mkdir(path, 0o755)
        self._made.append(path)
        return path

    def _bound_pids(self) -> None:
        if "processes" in self._limits:
            write(f"{self._inner['pids']}/pids.max", int(self._limits["processes"]))


def sweep(parents: Iterable[str]) -> list[str]:
    """Removes the groups whose supervisor is gone, with what is still in them; returns their paths."""
    removed: list[str] = []
    for parent in dict.fromkeys(parents):
        for name in _names(parent):
            path = f"{parent}/{name}"
            lock = _locked(path) if was_left_behind(name) else None
            if lock is None:
                continue
            if remove([path, *(f"{path}/{each}" for each in _names(path) if os.path.isdir(f"{path}/{each}"))]):
                removed.append(path)
            os.close(lock)
    return removed


def remove(directories: Sequence[str]) -> bool:
    """Removes a group, outer directories named before inner ones; kills what is in it. False: not in time."""
    deadline = time.monotonic() + _EMPTY_S
    left = list(directories)
    while left:
        try:
            os.rmdir(left[-1])
            left.pop()
        except FileNotFoundError:
            left.pop()
        except OSError:  # EBUSY: something is still in it
            kill(left)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.001)
    return True


def kill(directories: Sequence[str]) -> None:
    """Kills everything in a group: at a stroke where the kernel can (version 2, Linux 5.14), else one by one."""
    try:
        write(f"{directories[0]}/cgroup.kill", 1)
        return
    except OSError:
        pass
    for directory in directories:
        for pid in read_text(f"{directory}/cgroup.procs").split():
            try:
                pidfd = os.pidfd_open(int(pid))
            except (OSError, ValueError):
                continue  # gone, or of a PID namespace that we can't see into (0)
            if f"/{os.path.basename(directory)}" in read_text(f"/proc/{pid}/cgroup"):
                kill_by_pidfd(pidfd)
            os.close(pidfd)


def write(path: str, value: object) -> None:
    """Writes a value to a file of a group, whole."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, str(value).encode())
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    finally:
        os.close(fd)


def number(path: str) -> int | None:
    """The number that a file of a group holds; None where there is no such file."""
    try:
        return int(read_text(path))
    except FileNotFoundError:
        return None


def fields(path: str) -> dict[str, int]:
    """The `name number` lines of a file of a group."""
    try:
        pairs = [line.split() for line in lines_of(path)]
    except FileNotFoundError:
        return {}
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def own_groups() -> dict[str, str]:
    """Controller -> the directory of the group that this process is in; "" is the tree of version 2."""
    mounts: dict[str, tuple[str, str]] = {}
    for line in lines_of("/proc/self/mountinfo"):
        mount, _, source = line.partition(" - ")
        kind, _, options = source.split(" ", 2)
        root, point = mount.split(" ")[3:5]
        for controller in {"cgroup2": [""], "cgroup": options.split(",")}.get(kind, []):
            mounts.setdefault(controller, (root, point))
    found: dict[str, str] = {}
    for line in lines_of("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            root, point = mounts.get(controller, ("", ""))
            inside = os.path.relpath(path, root) if root else ".."
            if not inside.startswith(".."):  # else it lies outside of what is mounted here
                found[controller] = point if inside == "." else f"{point}/{inside}"
    return found


def swap_is_on() -> bool:
    return len(lines_of("/proc/swaps")) > 1


def _locked(path: str) -> int | None:
    """An fd that holds the lock of a group; None: another one does, or took the group away."""
    try:
        fd = os.open(path, _OPEN)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.stat(path)
    except (BlockingIOError, FileNotFoundError):
        os.close(fd)
        return None
    return fd


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
