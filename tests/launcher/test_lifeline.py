"""The supervisor goes: what `init` then kills, and what it must leave alone. And what a job leaves is killed too."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.launcher.protocol import (
    AS_PID_1,
    AS_PID_2,
    NAMESPACE,
    is_gone,
    namespace_of,
    pack,
    processes_in,
    python,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.launcher.protocol import Start

# Below a PID 1, and beside a process of the same account that has nothing to do with the job: it says how init ended.
BESIDE_A_BYSTANDER = [*NAMESPACE, "sh", "-c", 'sleep 60 & "$@"; echo $?; wait', "sh"]
# Below a PID 1 that goes on, as firejail's does while there are orphans: the kernel cleans nothing up.
BELOW_ONE_THAT_STAYS = [*NAMESPACE, "sh", "-c", '"$@"; sleep 60; :', "sh"]
STAYS = "import time; time.sleep(60)"  # the job itself, after what it makes
TREE = """
import os, time
for depth in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        time.sleep(60)
os.write(1, b'up')
"""
BOMB = """
import os
for _ in range(8):
    if os.fork() == 0:
        os.setsid()
        while True:
            try:
                if os.fork(): os._exit(0)
            except OSError: pass
os.write(1, b'up')
"""

below_and_as_pid_1 = pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["as-pid-1", "below-pid-1"])


@pytest.mark.parametrize("stage", ["ready", "length", "half a message", "dir", "armed"])
def test_before_the_gate_nothing_but_its_own_child_is_killed(start: Start, stage: str) -> None:
    """Without a jail, kill(-1) would be the end of the user's session."""
    said, says = os.pipe()
    init = start(under=BESIDE_A_BYSTANDER, stdout=says)
    os.close(says)
    init.expect("ready")
    child = None
    body = pack([b"/bin/true"])
    if stage == "length":
        init.send(b"", [0, 1, 2], length=len(body))
    elif stage == "half a message":
        init.send(body[:20], [0, 1, 2], length=len(body))
    elif stage != "ready":
        init.send(body, [0, 1, 2])
        init.expect("dir")
    if stage == "armed":
        child = os.pidfd_open(init.expect("armed").sender)
    namespace, pidfd = namespace_of(init.pid), os.pidfd_open(init.pid)
    init.socket.close()

    assert is_gone(pidfd)
    assert os.read(said, 10) == b"125\n"
    assert child is None or is_gone(child)
    time.sleep(0.02)
    assert len(processes_in(namespace)) == len(["the shell", "the bystander"])
    os.close(said)


@pytest.mark.parametrize(
    ("under", "survivors"),
    [(AS_PID_1, []), (BELOW_ONE_THAT_STAYS, ["the shell", "its sleep"])],
    ids=["as-pid-1", "below-pid-1"],
)
@pytest.mark.parametrize("code", [TREE, BOMB], ids=["tree", "fork-bomb"])
def test_after_the_gate_everything_in_the_jail_is_killed(
    start: Start, under: list[str], survivors: list[str], code: str
) -> None:
    reader, writer = os.pipe()
    init = start(under=under)
    init.arm(python(code + STAYS), fds=[0, writer, writer], rlimits=[(6, 100, 100)])
    os.close(writer)
    init.open_gate()
    assert os.read(reader, 2) == b"up"
    namespace, pidfd = namespace_of(init.pid), os.pidfd_open(init.pid)
    began = time.monotonic()
    init.socket.close()

    assert is_gone(pidfd)
    assert until(lambda: len(processes_in(namespace)) == len(survivors))
    assert time.monotonic() - began < 3
    os.close(reader)


@below_and_as_pid_1
@pytest.mark.parametrize("code", [TREE, BOMB], ids=["tree", "fork-bomb"])
def test_what_a_job_leaves_is_killed_before_the_total(start: Start, under: list[str], code: str) -> None:
    init = start(under=under)
    began = time.monotonic()
    ended = init.run(python(code), rlimits=[(6, 100, 100)])
    assert [record.words[0] for record in ended.records][-2:] == ["exit", "total"]
    assert time.monotonic() - began < 3
    assert until(lambda: init.process.poll() == 0)


def test_supervisor_that_opens_the_gate_and_dies_still_ends_the_job(start: Start) -> None:
    init = start(under=AS_PID_2)
    child = os.pidfd_open(init.arm([b"/bin/sleep", b"60"]).record("armed").sender)
    init.open_gate()
    init.socket.close()
    assert is_gone(child)


def test_child_at_the_gate_ends_with_init_and_starts_nothing(start: Start, shared_tmp: Path) -> None:
    shared_tmp.chmod(0o777)
    init = start(under=BELOW_ONE_THAT_STAYS)
    child = os.pidfd_open(init.arm([b"/usr/bin/touch", b"started"], cwd=bytes(shared_tmp)).record("armed").sender)
    os.kill(init.pid, signal.SIGKILL)
    assert is_gone(child)
    assert list(shared_tmp.iterdir()) == []


def test_bytes_after_the_gate_mean_nothing(start: Start, shared_tmp: Path) -> None:
    init = start()
    ended = init.arm([b"/bin/sh", b"-c", b"sleep .05; exit 6"])
    init.open_gate()
    init.socket.send(b"ggg")
    assert init.finish(ended).lines[-1] == "exit 6"


def test_job_that_makes_orphans_without_end_does_not_keep_init_from_the_lifeline(start: Start) -> None:
    code = "import os\nwhile True:\n  if os.fork() == 0:\n    os.fork()\n    os._exit(0)\n  os.wait()"
    init = start(under=AS_PID_2)
    init.arm(python(code))
    init.open_gate()
    init.expect("started")
    time.sleep(0.05)
    pidfd = os.pidfd_open(init.pid)
    init.socket.close()
    assert is_gone(pidfd, 3)
