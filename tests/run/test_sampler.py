"""What the sampler sees of a tree of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run.limits.sampler import Sampler
from sandbox_cli.run.tree import FOLDER

HOLD = "import sys; sys.stdout.write('up\\n'); sys.stdout.flush(); sys.stdin.read()"


def limit(name: str, value: float) -> Any:
    return {name: {"value": value, "asked": "", "level": "sampled", "enforcer": "sampler", "blame": None}}


@pytest.fixture
def tree() -> Any:
    """Starts `python -c CODE` below a shell; returns the shell's pid once it says that it is up."""
    started: list[subprocess.Popen[bytes]] = []

    def start(code: str) -> int:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(["/bin/sh", "-c", '"$@"; exit', "sh", sys.executable, "-ISc", code], **pipes)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        return process.pid

    yield start
    for process in started:
        process.communicate(b"")


def test_memory_that_is_touched_counts_once(tree: Any) -> None:
    pid = tree("x = bytearray(64 << 20)\n" + HOLD)
    sampler = Sampler(pid, limit("memory", 48 << 20), None, counted=False)
    assert sampler.look() is not None
    assert 64 << 20 <= sampler.memory_peak_bytes < 96 << 20


def test_a_memfd_counts_whether_it_is_mapped_or_not(tree: Any) -> None:
    pid = tree("import os; f = os.memfd_create('x'); os.write(f, bytes(64 << 20))\n" + HOLD)
    sampler = Sampler(pid, limit("memory", 1 << 30), None, counted=False)
    assert sampler.look() is None
    assert 64 << 20 <= sampler.memory_peak_bytes < 96 << 20


def test_a_child_of_vfork_has_its_parents_memory_and_counts_as_none(tree: Any, tmp_path: Path) -> None:
    """Until it executes: it is held up before that, by a pipe that nobody has opened yet."""
    os.mkfifo(tmp_path / "pipe")
    spawn = f"""
import os
x = bytearray(64 << 20)
os.write(1, b"up\\n")
os.posix_spawn("/bin/true", ["true"], {{}}, file_actions=[(os.POSIX_SPAWN_OPEN, 0, {str(tmp_path / "pipe")!r}, 0, 0)])
"""
    pid = tree(spawn)
    sampler = Sampler(pid, {}, None, counted=False)
    deadline = time.monotonic() + 10
    try:
        while sampler.processes_peak < 2:
            assert time.monotonic() < deadline
            sampler.look()
        assert 64 << 20 <= sampler.memory_peak_bytes < 96 << 20
    finally:
        (tmp_path / "pipe").write_text("")


def test_memory_that_processes_share_is_not_counted_for_each(tree: Any) -> None:
    fork = "import os, time\nx = bytearray(64 << 20)\nfor _ in range(4):\n  if not os.fork(): time.sleep(60)\n"
    pid = tree(fork + HOLD)
    sampler = Sampler(pid, {}, None, counted=False)
    sampler.look()
    try:
        assert sampler.memory_peak_bytes < 128 << 20
        assert sampler.processes_peak == 5
    finally:
        for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            for child in Path(f"/proc/{each}/task/{each}/children").read_text().split():
                os.kill(int(child), 9)


def test_a_name_of_a_process_can_not_forge_what_is_read(tree: Any) -> None:
    rename = "open('/proc/self/comm', 'wb').write(b') 1 1 \\x85RssShm')\n"
    sampler = Sampler(tree(rename + HOLD), {}, None, counted=False)
    assert sampler.look() is None
    assert sampler.processes_peak == 1


def test_files_of_a_plain_directory_are_counted(tmp_path: Path) -> None:
    for name in range(30):
        (tmp_path / str(name)).write_bytes(b"x" * 4096)
    fd = os.open(tmp_path, FOLDER)
    try:
        sampler = Sampler(os.getpid(), limit("scratch_files", 20), fd, counted=True)
        assert sampler.look() == ("scratch_files", "30 files and folders")
        sampler = Sampler(os.getpid(), limit("scratch_size", 30 * 4096 - 1), fd, counted=True)
        assert sampler.look() == ("scratch_size", "120KiB in use")
    finally:
        os.close(fd)


def test_a_tree_that_is_gone_is_no_error() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    sampler = Sampler(process.pid, limit("memory", 1), None, counted=False)
    assert sampler.look() is None
    assert sampler.next_look > time.monotonic()
