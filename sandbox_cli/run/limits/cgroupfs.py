"""The file system of control groups: making, reading, killing, removing; and the groups that we are in ourselves."""

from __future__ import annotations

import errno
import os
import time

from sandbox_cli.run import names
from sandbox_cli.run.fds import close
from sandbox_cli.run.system import kill_by_pidfd, lines_of, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

EMPTY_S = 5.0  # what killed processes take to be gone from a group


def sweep(parents: Iterable[str], patience_s: float = EMPTY_S) -> list[str]:
    """Removes the groups of this account that nobody has a lock on, with what is still in them; returns their paths."""
    until = time.monotonic() + patience_s
    removed: list[str] = []
    for parent in dict.fromkeys(parents):
        for name in _names(parent):
            path = f"{parent}/{name}"
            try:
                lock = names.lock(path) if names.is_of_this_account(name) else None
            except OSError:
                continue  # no fd is free, or it is no group
            if lock is None:
                continue
            if remove([path], until - time.monotonic()):
                removed.append(path)
            close(lock)
    return removed


def holders() -> Iterator[str]:
    """Every group here that holds a job's group of this account; a run looks only where it makes its own."""
    for _, _, point in mounted():
        for folder, inner, _ in os.walk(point):
            if any(names.is_of_this_account(name) for name in inner):
                yield folder


def remove(directories: Sequence[str], patience_s: float = EMPTY_S) -> bool:
    """Removes a group, outer directories named before inner ones; kills what is in it, and takes along what somebody
    made below it. False: not in time, or not allowed."""
    deadline = time.monotonic() + patience_s
    left = list(directories)
    while left:
        try:
            os.rmdir(left[-1])
            left.pop()
        except FileNotFoundError:
            left.pop()
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
                return False
            kill(left)
            if time.monotonic() > deadline:
                return False
            left += _below(left[-1])
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
        _kill_members(directory)


def _kill_members(directory: str) -> None:
    pidfds: dict[str, int] = {}
    for pid in _members(directory):
        try:
            pidfds[pid] = os.pidfd_open(int(pid))
        except (OSError, ValueError):
            continue  # gone, or of a PID namespace that we can't see into (0)
    still = _members(directory)  # a number may have been given to another process before it was opened
    for pid, pidfd in pidfds.items():
        if pid in still:
            kill_by_pidfd(pidfd)
        os.close(pidfd)


def _members(directory: str) -> set[str]:
    try:
        return set(read_text(f"{directory}/cgroup.procs").split())
    except OSError:
        return set()  # somebody else removed it


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
    """The `name number` lines of a file of a group. Raises OSError where the group is gone."""
    pairs = [line.split() for line in lines_of(path)]
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2}


def mounted() -> list[tuple[list[str], str, str]]:
    """Where control groups are mounted: the controllers, "" for the tree of version 2; what is mounted; and where."""
    found: list[tuple[list[str], str, str]] = []
    for line in lines_of("/proc/self/mountinfo"):
        mount, _, source = line.partition(" - ")
        kind, _, options = source.split(" ", 2)
        root, point = mount.split(" ")[3:5]
        if kind in ("cgroup", "cgroup2"):
            found.append((options.split(",") if kind == "cgroup" else [""], root, point))
    return found


def own_groups() -> dict[str, str]:
    """Controller -> the directory of the group that this process is in; "" is the tree of version 2."""
    mounts: dict[str, tuple[str, str]] = {}
    for mounted_here, root, point in mounted():
        for controller in mounted_here:
            mounts.setdefault(controller, (root, point))
    found: dict[str, str] = {}
    for line in lines_of("/proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            root, point = mounts.get(controller, ("", ""))
            # A mount from outside of our namespace of groups shows "/..": its top is no group that we are in.
            inside = os.path.relpath(path, root) if root and not root.startswith("/..") else ".."
            if not inside.startswith(".."):  # else it lies outside of what is mounted here
                found[controller] = point if inside == "." else f"{point}/{inside}"
    return found


def is_stacked(device: str) -> bool:
    """Whether a block device (MAJOR:MINOR) lies on others (LVM, LUKS, RAID), which the kernel counts too."""
    return bool(_names(f"/sys/dev/block/{device}/slaves"))


def swap_is_on() -> bool:
    return len(lines_of("/proc/swaps")) > 1


def _below(directory: str) -> list[str]:
    return [path for name in _names(directory) if os.path.isdir(path := f"{directory}/{name}")]


def _names(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
