"""Which control groups can bound a job here: found by making one, setting its limits and putting a process into it.

In this order: a subtree of version 2 that is handed on to us; one that systemd hands on when it is asked; without
systemd, as root, the whole tree; the trees of version 1. That a directory can be made says nothing: whether a
process may be moved into it is decided elsewhere, too.
"""

from __future__ import annotations

import functools
import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli import launcher
from sandbox_cli.errors import HostError
from sandbox_cli.host.access import user_name
from sandbox_cli.host.model import Groups, Problem
from sandbox_cli.run.limits import cgroup_v1, cgroup_v2, systemd_scope
from sandbox_cli.run.limits.cgroupfs import mounted, own_groups
from sandbox_cli.run.limits.groups import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from sandbox_cli.plan.model import Limit
    from sandbox_cli.run.limits.group import Group

SYSTEMD = Path("/run/systemd/system")  # sd_booted(3)
_UNITS = (".scope", ".service", ".slice", ".mount", ".socket", ".swap")
_TRIAL = {"memory": 1 << 30, "processes": 64, "cpus": 1.0, "cpu_time": 60.0}
_finding = threading.Lock()
_READ_ONLY = Problem(
    "the control groups are mounted read-only here",
    "start the container with its control groups writable: docker or podman run --privileged",
)
_OF_ANOTHER_ROOT = Problem(
    "the control groups belong to a root outside of this user namespace",
    "run as the root of the machine itself, not of a rootless container",
)


def _free() -> None:
    """In a fork, where the thread that was finding is not."""
    global _finding  # noqa: PLW0603 (a lock can't be unlocked by who doesn't hold it)
    _finding = threading.Lock()


os.register_at_fork(after_in_child=_free)


def find() -> Groups | Problem:
    """The groups that work here; or why none does, and what would help."""
    with _finding:  # two threads would ask systemd for the same scope
        return _find()


@functools.cache  # neither the mounts nor the group that we are in change while we run
def _find() -> Groups | Problem:
    own = own_groups()
    if "" in own and {"memory", "pids"} & set(_controllers(own[""])):  # a hybrid host keeps them in version 1
        return _version_2(own[""])
    if own.keys() & set(cgroup_v1.CONTROLLERS):
        return _version_1(own)
    return Problem("no control groups are mounted here", "mount them: mount -t cgroup2 none /sys/fs/cgroup")


def mount_points() -> tuple[str, ...]:
    """Where control groups can be reached."""
    return tuple(point for _, _, point in mounted())


def _version_2(own: str) -> Groups | Problem:
    parent = _delegated(own)
    if parent is None and _has_systemd():
        if _is_main_process(own):
            unit = Path(own).name
            return Problem(f"this is the main process of {unit}", f"systemctl edit {unit}: [Service] Delegate=yes")
        if (why := systemd_scope.enter()) is not None:
            return Problem(f"systemd gives no scope: {why}", _how_to_delegate(own))
        return _divide("systemd-scope", own_groups()[""].removesuffix(f"/{cgroup_v2.LEAF}"))
    if parent is None and os.geteuid() == 0:
        return _divide("cgroup-v2", own) if _may_divide(own) else _closed_to_root(own)
    if parent is None:
        reason = "no control group is handed on to this account, and no systemd of its own could be asked for one"
        return Problem(reason, _how_to_delegate(own))
    return _divide("cgroup-v2", parent)


def _delegated(own: str) -> str | None:
    """The group that is ours to divide: the one that we are in, or the one above, where we sit in its leaf."""
    above, name = os.path.split(own)
    group = above if name == cgroup_v2.LEAF else own
    if group.endswith(_UNITS) and not _is_marked(group):
        return None  # one of systemd's own: whoever writes there gets in its way
    if os.geteuid() == 0 and _has_systemd() and not _is_marked(group):
        return None
    return group if _may_divide(group) else None


def _is_marked(group: str) -> bool:
    """Whether systemd says that it handed the group on (its CGROUP_DELEGATION names the marks)."""
    for mark in ("user.delegate", "trusted.delegate"):
        try:
            if os.getxattr(group, mark) == b"1":
                return True
        except OSError:
            continue
    return False


def _may_divide(group: str) -> bool:
    files = [group, f"{group}/cgroup.procs", f"{group}/cgroup.subtree_control"]
    return all(os.access(file, os.W_OK) for file in files)


def _has_systemd() -> bool:
    """Whether there is a systemd to ask: as root that of the machine, else the user's own."""
    return SYSTEMD.is_dir() if os.geteuid() == 0 else os.access(f"{systemd_scope.runtime_directory()}/bus", os.W_OK)


def _is_main_process(own: str) -> bool:
    """A unit's first process must stay where it is, or systemd loses sight of the unit."""
    try:
        parent = Path(f"/proc/{os.getppid()}/comm").read_text(encoding="ascii").strip()
    except OSError:
        return False
    return own.endswith(".service") and parent == "systemd"


def _divide(enforcer: Literal["cgroup-v2", "systemd-scope"], parent: str) -> Groups | Problem:
    try:
        enabled = cgroup_v2.enable(parent)
    except OSError as error:
        return Problem(f"{parent} can't be divided: {error.strerror}: {error.filename}", _how_to_delegate(parent))
    return _prove(_groups(enforcer, dict.fromkeys(sorted(enabled) or [""], parent)))


def _version_1(own: Mapping[str, str]) -> Groups | Problem:
    trees = [controller for controller in cgroup_v1.CONTROLLERS if controller in own]
    writable = {controller: own[controller] for controller in trees if os.access(own[controller], os.W_OK)}
    if writable:
        return _prove(_groups("cgroup-v1", writable))
    if os.geteuid() == 0:
        return _closed_to_root(own[trees[0]])
    return Problem(
        "control groups of version 1 are for root alone",
        "run as root; or boot with systemd.unified_cgroup_hierarchy=1, and systemd hands groups on to users",
    )


def _closed_to_root(group: str) -> Problem:
    return _READ_ONLY if os.statvfs(group).f_flag & os.ST_RDONLY else _OF_ANOTHER_ROOT


def _groups(enforcer: Literal["cgroup-v2", "cgroup-v1", "systemd-scope"], parents: Mapping[str, str]) -> Groups:
    table = cgroup_v1.HOLDS if enforcer == "cgroup-v1" else cgroup_v2.HOLDS
    holds = {limit for limit, controller in table.items() if controller in parents}
    if enforcer != "cgroup-v1":
        holds.add("cpu_time")
    return Groups(enforcer, dict(parents), tuple(sorted(holds)))


def _prove(groups: Groups) -> Groups | Problem:
    """`groups`, as far as they work: all at once, or else those of their controllers that do alone."""
    why = _try(groups)
    if why is None:
        return groups
    each = {controller: _groups(groups.enforcer, {controller: parent}) for controller, parent in groups.parents.items()}
    working = {controller: groups.parents[controller] for controller, alone in each.items() if _try(alone) is None}
    return _groups(groups.enforcer, working) if working else Problem(why, None)


def _try(groups: Groups) -> str | None:
    """Bounds a group, and puts a process into it as a job is put; None, or what was refused."""
    limits: dict[str, Limit] = {
        name: {
            "value": value, "asked": "", "level": "strict", "enforcer": groups.enforcer,
            "blame": {"clause": f"limits.{name}", "source": "default", "file": None, "line": None},
        }
        for name, value in _TRIAL.items()
        if name in groups.holds
    }  # fmt: skip
    try:
        group = KINDS[groups.enforcer](groups.planned(), limits)
    except HostError as error:
        return error.message
    try:
        return _put_a_process_into(group)
    finally:
        group.close()


def _put_a_process_into(group: Group) -> str | None:
    joins = [word for procs in group.joins for word in ("-g", procs)]
    process = subprocess.Popen(
        [launcher.path(), "enter", *joins, "--", "/bin/cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={},
    )  # fmt: skip
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(b".")
            process.stdin.flush()
            if not process.stdout.read(1):  # what it echoes shows that it has joined
                return process.stderr.read().decode("utf-8", "replace").strip()
            group.admit(process.pid)
            return None if group.holds(process.pid) else "a process that was moved is not there"
        except OSError as error:
            return f"{error.strerror}: {error.filename}"
        finally:
            process.kill()


def _how_to_delegate(own: str) -> str:
    """The command that hands a group on to this account."""
    user = user_name(os.geteuid())
    if SYSTEMD.is_dir():
        return (
            f"sudo loginctl enable-linger {user} (and install dbus-user-session, where `systemctl --user` doesn't work)"
        )
    top = Path(own)
    while (top.parent / "cgroup.controllers").exists():
        top = top.parent
    group = top / f"sandbox-{user}"
    return (
        f"sudo sh -c 'for c in memory pids cpu; do echo +$c >{top}/cgroup.subtree_control; done; mkdir -p {group};"
        f" chown {user}: {group} {group}/cgroup.procs {group}/cgroup.subtree_control;"
        f" echo '$$' >{group}/cgroup.procs', in the shell that starts sandbox"
    )


def _controllers(group: str) -> list[str]:
    try:
        return Path(group, "cgroup.controllers").read_text(encoding="ascii").split()
    except OSError:
        return []
