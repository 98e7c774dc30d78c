"""A scope of systemd's: how the supervisor comes into a subtree of control groups that it may manage.

systemd hands a subtree on where it is asked to (`Delegate=`), to an ordinary user too, through the user's own
manager. The process that asks is moved into the new scope; it ends with it. One scope serves all jobs of a
process, each of which gets a group in it: systemd isn't asked again.

Source of the facts: org.freedesktop.systemd1(5), systemd.resource-control(5), and systemd's CGROUP_DELEGATION.
"""

from __future__ import annotations

import os
import select
import time

from sandbox_cli.run.limits.cgroup_v2 import LEAF
from sandbox_cli.run.limits.cgroupfs import own_groups
from sandbox_cli.run.system import kill_by_pidfd, start_time

_BUSCTL = ("/usr/bin/busctl", "/bin/busctl")
_TIMEOUT_S = 5.0  # for all of it: busctl's own one counts only from when it is connected
_MANAGER = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")


def enter() -> str | None:
    """Moves this process into a scope of its own, unless it is in one; None, or why it can't be had."""
    name = f"sandbox-{os.getpid()}-{start_time(os.getpid())}.scope"
    if _is_in(name):
        return None
    program = next((path for path in _BUSCTL if os.access(path, os.X_OK)), None)
    if program is None:
        return "busctl, which comes with systemd, is not installed"
    properties = ["PIDs", "au", "1", str(os.getpid()), "Delegate", "b", "true"]
    properties += ["Description", "s", "sandboxed jobs", "CollectMode", "s", "inactive-or-failed"]
    request = ["StartTransientUnit", "ssa(sv)a(sa(sv))", name, "fail", "4", *properties, "0"]
    whose = "--system" if os.geteuid() == 0 else "--user"
    deadline = time.monotonic() + _TIMEOUT_S
    said = _say([program, whose, "--quiet", "call", *_MANAGER, *request], deadline)
    if said is not None:
        return said
    while not _is_in(name):
        if time.monotonic() > deadline:
            return f"systemd did not start {name} in time"
        time.sleep(0.001)
    return None


def runtime_directory() -> str:
    """Where the sockets of the user's own systemd are: it may run though no session says so (linger), and after `su`
    the variable still names the folder of another account."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    return named if named and os.access(named, os.X_OK) else f"/run/user/{os.geteuid()}"


def _is_in(scope: str) -> bool:
    own = own_groups().get("", "")
    return own.removesuffix(f"/{LEAF}").endswith(f"/{scope}")


def _say(words: list[str], deadline: float) -> str | None:
    """Runs a command; None, or its last word where it fails."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        pid = os.posix_spawn(
            words[0],
            words,
            os.environ | {"XDG_RUNTIME_DIR": runtime_directory()},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
                (os.POSIX_SPAWN_DUP2, writer, 1),
                (os.POSIX_SPAWN_DUP2, writer, 2),
            ],
        )
        ended = _ends_until(pid, deadline)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(writer, b"\n")  # or there may be nothing to read
        said = os.read(reader, 4096).decode("utf-8", "replace")
    except OSError as error:
        return f"{words[0]}: {error.strerror}"
    finally:
        os.close(reader)
        os.close(writer)
    if not ended:
        return "it does not answer"
    return None if status == 0 else said.strip().split("\n")[-1] or f"{words[0]} ended with {status}"


def _ends_until(pid: int, deadline: float) -> bool:
    """Whether a child ends in time; it is killed where it doesn't."""
    pidfd = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        if poll.poll(max(0.0, (deadline - time.monotonic()) * 1000)):
            return True
        kill_by_pidfd(pidfd)
        return False
    finally:
        os.close(pidfd)
