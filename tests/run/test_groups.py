"""A control group bounds, counts and kills all that is born in it, and is gone afterwards: real ones of this kernel."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.host.model import Groups
from sandbox_cli.run.limits import cgroup_v2, cgroupfs
from sandbox_cli.run.limits import group as group_module
from sandbox_cli.run.limits.cgroup_v2 import GroupV2
from sandbox_cli.run.limits.groups import sweep
from sandbox_cli.run.names import own_name
from tests.run.groups_here import here, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox_cli.run.limits.group import Group

WAIT = "import sys; sys.stdin.read(1); "
EATS = "x = []\nwhile 1: x.append(b'x' * (1 << 20))"
FORKS = """
import os, signal
n = 0
while True:
    try: pid = os.fork()
    except OSError: break
    if pid == 0: signal.pause()
    n += 1
print(n, flush=True)
signal.pause()
"""
BURNS = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        while time.process_time() < 0.1: pass
        os._exit(0)
for _ in range(4): os.wait()
"""


@pytest.fixture
def groups() -> Groups:
    return here()


@pytest.fixture
def group(groups: Groups) -> Iterator[Group]:
    made = make(groups, memory=48 << 20, processes=6, cpu_time=30)
    yield made
    made.close()


@pytest.fixture
def inside() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a program that waits until it is in the group."""
    started: list[subprocess.Popen[bytes]] = []

    def start(group: Group, code: str) -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-ISc", WAIT + f"exec({code!r})"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        group.admit(process.pid)
        process.stdin.write(b".")
        process.stdin.close()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def directories(groups: Groups) -> set[Path]:
    return {path for parent in set(groups.parents.values()) for path in Path(parent).glob(f"sandbox-*-{os.getpid()}-*")}


def test_a_process_that_was_admitted_is_seen_in_it_and_no_other_is(group, inside):
    process = inside(group, "sys.stdin.read(); import time; time.sleep(60)")
    assert group.holds(process.pid)
    assert not group.holds(os.getpid())


def test_memory_over_the_limit_is_killed_by_the_kernel_and_wakes_the_supervisor(group, inside):
    process = inside(group, EATS)
    poll = select.poll()
    for fd, events in group.interests():
        poll.register(fd, events)
    assert poll.poll(30_000)
    group.woken()
    while (exceeded := group.look()) is None and group.next_look is not None:
        time.sleep(max(0.0, group.next_look - time.monotonic()))
    assert exceeded == ("memory", "killed by the kernel")
    assert process.wait(30) == -signal.SIGKILL
    assert 40 << 20 <= group.measured()["memory_peak_bytes"] <= 48 << 20


def test_a_kill_below_a_tiny_limit_is_its_own(groups, inside):
    group = make(groups, memory=1)
    try:
        process = inside(group, EATS)
        assert process.wait() == -signal.SIGKILL
        assert group.kernel_killed == "killed by the kernel"
    finally:
        group.close()


def test_more_tasks_than_there_can_be_are_no_mistake(groups):
    group = make(groups, processes=(1 << 31) - 1)
    assert directories(groups)
    group.close()


def test_forks_over_the_limit_are_refused_and_counted(group, inside):
    process = inside(group, FORKS)
    assert process.stdout.readline() == b"5\n"  # beside itself
    assert group.hits() == {"processes": 1}
    assert group.measured()["processes_peak"] == 6
    assert group.kernel_killed is None


def test_cpu_time_of_all_that_is_born_in_it_is_counted(group, inside):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = inside(group, BURNS)
    assert process.wait(30) == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured = group.measured()
    # The kernel's other count of it, which includes what the program used before it was in the group.
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert 0.4 <= measured["cpu_user_s"] + measured["cpu_system_s"] <= used + 0.05


def test_cpu_time_over_the_limit_is_said_at_a_look(groups, inside):
    group = make(groups, cpu_time=0.05)
    try:
        inside(group, "while True: pass")
        deadline = time.monotonic() + 30
        while (exceeded := group.look()) is None:
            assert time.monotonic() < deadline
            time.sleep(max(0.0, group.next_look - time.monotonic()))
        assert exceeded[0] == "cpu_time"
    finally:
        group.close()


def test_half_a_core_is_all_that_a_job_gets_where_that_is_its_share(groups, inside):
    group = make(groups, cpus=0.5)
    try:
        began = time.monotonic()
        process = inside(group, "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass")
        assert process.wait(30) == 0
        measured = group.measured()
        assert measured["cpu_user_s"] + measured["cpu_system_s"] < 0.5 * (time.monotonic() - began) + 0.15
    finally:
        group.close()


def test_closing_kills_what_is_still_in_it_and_removes_every_directory(groups, inside):
    group = make(groups, processes=50)
    process = inside(group, FORKS)
    process.stdout.readline()
    assert directories(groups)
    group.close()
    assert process.wait(5) == -signal.SIGKILL
    assert not directories(groups)


def test_a_stopped_process_does_not_keep_a_group(groups, inside):
    group = make(groups)
    process = inside(group, "import os, signal; print('up', flush=True); os.kill(os.getpid(), signal.SIGSTOP)")
    process.stdout.readline()
    group.close()
    assert process.wait(5) == -signal.SIGKILL
    assert not directories(groups)


def test_a_group_that_can_not_be_made_is_one_sentence_and_leaves_nothing(groups, tmp_path):
    parents = dict.fromkeys(groups.parents, str(tmp_path))
    with pytest.raises(HostError, match="no control group can be made for the job: "):
        make(replace(groups, parents=parents), memory=1)
    assert not list(tmp_path.iterdir())


LEAVES = """
import os, subprocess, sys
from tests.run.groups_here import here, make
group = make(here())
child = subprocess.Popen(["sleep", "600"])
group.admit(child.pid)
print(child.pid, *group._made, flush=True)
if sys.argv[1] == "crash": os._exit(0)
sys.stdin.read()
"""


@pytest.fixture
def supervisor(groups: Groups) -> Iterator[Callable[[str], tuple[subprocess.Popen[str], list[str]]]]:
    """Another process that made a group with something in it."""
    started: list[subprocess.Popen[str]] = []

    def start(how: str) -> tuple[subprocess.Popen[str], list[str]]:
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        argv = [sys.executable, "-c", LEAVES, how]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        started.append(process)
        return process, process.stdout.readline().split()

    yield start
    for process in started:
        process.stdin.close()
        process.stdout.close()
        process.wait(10)


def test_what_a_crashed_supervisor_left_is_swept_with_all_that_is_in_it(groups, supervisor):
    if groups.enforcer == "systemd-scope":
        pytest.skip("a scope is removed by systemd with its last process")
    process, (child, *made) = supervisor("crash")
    process.wait(10)
    sweep(groups.planned())  # another test's run may have been faster
    assert not any(Path(path).exists() for path in made)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and Path(f"/proc/{child}/stat").read_text().split(") ")[1][0] != "Z":
        assert time.monotonic() < deadline


def test_the_groups_of_a_living_supervisor_stay(groups, supervisor):
    process, (child, *made) = supervisor("live")
    sweep(groups.planned())
    assert all(Path(path).exists() for path in made)
    os.kill(int(child), signal.SIGKILL)
    process.stdin.close()
    process.wait(10)
    cgroupfs.remove(made)


def test_a_group_without_a_lock_is_swept_though_its_supervisor_lives(groups):
    """It couldn't remove it in time; and it may live for weeks."""
    path = Path(next(iter(groups.parents.values())), own_name())
    path.mkdir()
    assert str(path) in sweep(groups.planned())
    assert not path.exists()


def test_a_sweep_waits_no_longer_than_it_may_for_what_can_not_be_removed(tmp_path):
    (tmp_path / own_name()).mkdir()
    next(tmp_path.iterdir()).joinpath("stays").touch()
    began = time.monotonic()
    assert cgroupfs.sweep([str(tmp_path)], patience_s=0.05) == []
    assert time.monotonic() - began < 1


def test_what_somebody_made_below_a_group_goes_with_it(groups, inside):
    group = make(groups, processes=50)
    process = inside(group, FORKS)
    process.stdout.readline()
    for directory in dict.fromkeys(group._inner.values()):
        Path(directory, "nest/deep").mkdir(parents=True)
        Path(directory, "nest/deep/cgroup.procs").write_text(str(process.pid))
    group.close()
    assert process.wait(5) == -signal.SIGKILL
    assert not directories(groups)


def test_a_process_that_left_a_group_while_it_is_killed_is_spared(monkeypatch):
    stays, left = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    listed = [{str(stays.pid), str(left.pid), str(2**22 + 1)}, {str(stays.pid)}]
    monkeypatch.setattr(cgroupfs, "_members", lambda _: listed.pop(0))
    try:
        cgroupfs.kill(["/nowhere"])
        assert stays.wait(5) == -signal.SIGKILL
        assert left.poll() is None
    finally:
        left.kill()
        left.wait()


def test_a_group_that_can_not_be_locked_is_not_left_behind(groups, monkeypatch):
    def no_fd(path: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files", path)

    monkeypatch.setattr(group_module, "locked", no_fd)
    with pytest.raises(HostError, match="Too many open files"):
        make(groups, memory=1 << 30)
    assert not directories(groups)


def test_without_an_fd_a_sweep_leaves_all_to_the_next_one(groups, monkeypatch):
    def no_fd(path: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files", path)

    path = Path(next(iter(groups.parents.values())), own_name())
    path.mkdir()
    monkeypatch.setattr(cgroupfs, "locked", no_fd)
    assert sweep(groups.planned()) == []
    path.rmdir()


def test_a_group_that_somebody_removes_is_lost_and_can_not_be_read(groups):
    group = make(groups, memory=48 << 20, processes=6, cpu_time=30)
    try:
        assert not group.lost
        for directory in dict.fromkeys(group._inner.values()):
            os.rmdir(directory)
        assert group.lost
        group.woken()
        with pytest.raises(OSError, match="No such"):
            group.look()
    finally:
        group.close()
    assert not directories(groups)


def test_a_kill_for_a_limit_around_the_job_is_not_said_to_be_its_own(groups, inside):
    """The limit of a container, of a service: as where the host runs out of memory."""
    around = Path(groups.parents["memory"], f"around-{os.getpid()}")
    around.mkdir()
    v2 = groups.enforcer != "cgroup-v1"
    if v2:
        (around / "cgroup.subtree_control").write_text("+memory +pids")
    (around / ("memory.max" if v2 else "memory.limit_in_bytes")).write_text(str(48 << 20))
    parents = dict.fromkeys(["memory", "pids"], str(around)) if v2 else groups.parents | {"memory": str(around)}
    group = make(replace(groups, parents=parents), memory=512 << 20)
    try:
        assert inside(group, EATS).wait(30) == -signal.SIGKILL
        assert group.kernel_killed == "killed by the kernel, since memory ran out around the job"
    finally:
        group.close()
        around.rmdir()


def test_bytes_through_a_device_on_another_are_counted_once(tmp_path, monkeypatch):
    """254:0 is LVM, or LUKS, on 98:0: the kernel counts both. What is written back is with the device already."""
    (tmp_path / "io.stat").write_text("254:0 rbytes=5 wbytes=70 rios=1\n98:0 rbytes=5 wbytes=70 rios=1\n7:0 \n")
    (tmp_path / "memory.stat").write_text("file_dirty 4096\nfile_writeback 8192\n")
    monkeypatch.setattr(cgroup_v2, "is_stacked", lambda device: device == "254:0")
    group = GroupV2.__new__(GroupV2)
    group._inner = {"io": str(tmp_path), "memory": str(tmp_path)}
    assert group._bytes() == ({"read_bytes": 5, "written_bytes": 70 + 4096}, {})


def test_a_group_whose_lock_is_held_stays_whatever_its_name_says(groups):
    parent = next(iter(groups.parents.values()))
    path = Path(parent, f"sandbox-{os.geteuid()}-{2**22 + 1}-1-0123456789ab")
    path.mkdir()
    lock = cgroupfs.locked(str(path))
    try:
        sweep(groups.planned())
        assert path.exists()
    finally:
        os.close(lock)
    sweep(groups.planned())
    assert not path.exists()


def test_a_group_that_was_left_in_another_group_is_found_by_whoever_cleans_up(groups):
    elsewhere = Path(next(iter(groups.parents.values())), f"elsewhere-{os.getpid()}")
    elsewhere.mkdir()
    left = elsewhere / f"sandbox-{os.geteuid()}-{2**22 + 1}-1-0123456789ab"
    left.mkdir()
    sweep(groups.planned())
    assert left.exists()
    assert str(elsewhere) in cgroupfs.holders()
    cgroupfs.sweep(cgroupfs.holders())
    assert not left.exists()
    elsewhere.rmdir()


def test_the_own_group_is_found_below_its_mount_and_not_outside_of_it(monkeypatch):
    files = {
        "/proc/self/mountinfo": [
            "30 1 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "31 1 0:27 /box /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
            "32 1 0:28 /box /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct",
            "33 1 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
            "34 1 0:30 /../.. /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio",  # from outside of our namespace
        ],
        "/proc/self/cgroup": ["6:blkio:/", "5:memory:/a/b", "4:pids:/box/in", "3:cpu,cpuacct:/elsewhere", "0::/"],
    }
    monkeypatch.setattr(cgroupfs, "lines_of", files.__getitem__)
    assert cgroupfs.own_groups() == {
        "memory": "/sys/fs/cgroup/memory/a/b",
        "pids": "/sys/fs/cgroup/pids/in",
        "": "/sys/fs/cgroup/unified",
    }
