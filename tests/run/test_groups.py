"""A control group bounds, counts and kills all that is born in it, and is gone afterwards: real ones of this kernel."""

from __future__ import annotations

import os
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
from sandbox_cli.run.limits import cgroupfs
from sandbox_cli.run.limits.groups import sweep
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


def test_forks_over_the_limit_are_refused_and_counted(group, inside):
    process = inside(group, FORKS)
    assert process.stdout.readline() == b"5\n"  # beside itself
    assert group.hits() == {"processes": 1}
    assert group.measured()["processes_peak"] == 6
    assert group.kernel_killed is None


def test_cpu_time_of_all_that_is_born_in_it_is_counted(group, inside):
    process = inside(group, BURNS)
    assert process.wait(30) == 0
    measured = group.measured()
    assert 0.4 <= measured["cpu_user_s"] + measured["cpu_system_s"] < 0.7


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
        process = inside(group, "import time\nend = time.monotonic() + 1\nwhile time.monotonic() < end: pass")
        assert process.wait(30) == 0
        measured = group.measured()
        assert measured["cpu_user_s"] + measured["cpu_system_s"] < 0.65
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
    removed = sweep(groups.planned())
    assert set(made) & set(removed)
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
    assert str(path) in sweep(groups.planned())


def test_the_own_group_is_found_below_its_mount_and_not_outside_of_it(monkeypatch):
    files = {
        "/proc/self/mountinfo": [
            "30 1 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "31 1 0:27 /box /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids",
            "32 1 0:28 /box /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct",
            "33 1 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
        ],
        "/proc/self/cgroup": ["5:memory:/a/b", "4:pids:/box/in", "3:cpu,cpuacct:/elsewhere", "0::/"],
    }
    monkeypatch.setattr(cgroupfs, "lines_of", files.__getitem__)
    assert cgroupfs.own_groups() == {
        "memory": "/sys/fs/cgroup/memory/a/b",
        "pids": "/sys/fs/cgroup/pids/in",
        "": "/sys/fs/cgroup/unified",
    }
