"""Groups that were left are swept, those of the living stay, and what we are in ourselves is found."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.host.model import Groups
from sandbox_cli.run import names
from sandbox_cli.run.limits import cgroupfs
from sandbox_cli.run.limits.groups import sweep
from tests.run.groups_here import FORKS, directories, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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
    path = Path(next(iter(groups.parents.values())), names._own_name())
    path.mkdir()
    sweep(groups.planned())  # or that of another test
    assert not path.exists()
    assert not path.exists()


def test_a_sweep_waits_no_longer_than_it_may_for_what_can_not_be_removed(tmp_path):
    (tmp_path / names._own_name()).mkdir()
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
    def no_fd(path: str, how: int = 0) -> None:
        raise OSError(errno.EMFILE, "Too many open files", path)

    monkeypatch.setattr(names, "lock", no_fd)
    with pytest.raises(HostError, match="Too many open files"):
        make(groups, memory=1 << 30)
    assert not directories(groups)


def test_without_an_fd_a_sweep_leaves_all_to_the_next_one(groups, monkeypatch):
    def no_fd(path: str, how: int = 0) -> None:
        raise OSError(errno.EMFILE, "Too many open files", path)

    path = Path(next(iter(groups.parents.values())), names._own_name())
    path.mkdir()
    monkeypatch.setattr(names, "lock", no_fd)
    assert sweep(groups.planned()) == []
    path.rmdir()


def test_a_group_whose_lock_is_held_stays_whatever_its_name_says(groups):
    parent = next(iter(groups.parents.values()))
    path = Path(parent, f"sandbox-{os.geteuid()}-{2**22 + 1}-1-0123456789ab")
    path.mkdir()
    lock = names.lock(str(path))
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
