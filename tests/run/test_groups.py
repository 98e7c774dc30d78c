"""A control group bounds, counts and kills all that is born in it, and is gone afterwards: real ones of this kernel."""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.run.limits import cgroup_v2
from sandbox_cli.run.limits.cgroup_v2 import GroupV2
from tests.run.groups_here import FORKS, directories, make

if TYPE_CHECKING:
    pass

EATS = "x = []\nwhile 1: x.append(b'x' * (1 << 20))"
BURNS = """
import os, time
for _ in range(4):
    if os.fork() == 0:
        while time.process_time() < 0.1: pass
        os._exit(0)
for _ in range(4): os.wait()
"""


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
    assert 40 << 20 <= group.measured()[0]["memory_peak_bytes"] <= 48 << 20


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
    assert group.measured()[0]["processes_peak"] == 6
    assert group.kernel_killed is None


def test_cpu_time_of_all_that_is_born_in_it_is_counted(group, inside):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = inside(group, BURNS)
    assert process.wait(30) == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured, _ = group.measured()
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
        measured, _ = group.measured()
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


def test_a_limit_without_its_controller_leaves_nothing(groups):
    parents = {name: path for name, path in groups.parents.items() if name != "pids"}
    if len(parents) == len(groups.parents):
        pytest.skip("no group counts tasks here")
    with pytest.raises(KeyError):
        make(replace(groups, parents=parents), processes=5)
    assert not directories(groups)


def test_a_group_that_can_not_be_made_is_one_sentence_and_leaves_nothing(groups, tmp_path):
    parents = dict.fromkeys(groups.parents, str(tmp_path))
    with pytest.raises(HostError, match="no control group can be made for the job: "):
        make(replace(groups, parents=parents), memory=1)
    assert not list(tmp_path.iterdir())


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
