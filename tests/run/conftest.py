"""A scratch directory with the fd by which a run has it, and control groups with processes in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox_cli.host.model import Groups
from sandbox_cli.run import tree
from sandbox_cli.run.limits.group import Group
from tests.run.groups_here import here, make

WAIT = "import sys; sys.stdin.read(1); "


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def fd(scratch: Path) -> Iterator[int]:
    fd = os.open(scratch, tree.FOLDER)
    yield fd
    os.close(fd)


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
        with suppress(BrokenPipeError):  # a limit may be so small that it is gone already
            process.stdin.write(b".")
            process.stdin.close()
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
