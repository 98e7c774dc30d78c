"""The file system of control groups: making, reading, killing, removing; and the groups that we are in ourselves."""

from __future__ import annotations

import fcntl
import os
import time

from sandbox_cli.run.names import was_left_behind
from sandbox_cli.run.system import kill_by_pidfd, lines_of, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_EMPTY_S = 5.0  # what killed processes take to be gone from a group


def sweep(parents: Iterable[str]) -> list[str]:
    """Removes the groups whose supervisor is gone, with what is still in them; returns their paths."""
    removed: list[str] = []
    for parent in dict.fromkeys(parents):
        for name in _names(parent):
            path = f"{parent}/{name}"
            lock = locked(path) if was_left_behind(name) else None
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


def locked(path: str) -> int | None:
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
