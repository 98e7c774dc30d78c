"""A jail that was made ahead waits at its gate until it is its program's turn, and gives the turn back."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.api.perform import Performed, perform
from sandbox_cli.api.plans import Plans
from sandbox_cli.api.request import of_json
from sandbox_cli.run import supervise, turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fd() -> Iterator[int]:
    fd = turns.make(0)
    yield fd
    os.close(fd)


def start(fd: int, done: list[Performed], cancel: int | None = None, **job: Any) -> threading.Thread:
    plans = Plans()
    given = of_json({"command": ["true"], **job})
    thread = threading.Thread(target=lambda: done.append(perform(given, plans, kind="batch", cancel=cancel, turns=fd)))
    thread.start()
    return thread


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_program_waits_for_its_turn_however_long_and_gives_it_back(
    fd: int, backend: str, launcher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_START_S", 1.0)
    done: list[Performed] = []
    thread = start(fd, done, backend=backend, limits={"wall_time": "1s"})
    thread.join(3)
    assert done == []
    os.eventfd_write(fd, 1)
    thread.join(10)
    assert done[0].outcome["status"] == "ok"
    assert done[0].outcome["usage"]["wall_time_s"] < 1
    assert os.eventfd_read(fd) == 1
    with pytest.raises(BlockingIOError):
        os.eventfd_read(fd)


def test_job_that_waits_for_its_turn_can_be_cancelled(fd: int, launcher: Path) -> None:
    source, sink = os.pipe()
    done: list[Performed] = []
    with closing(os.fdopen(source)), closing(os.fdopen(sink, "wb", 0)) as pipe:
        thread = start(fd, done, cancel=source)
        time.sleep(1)
        pipe.write(b"\x0f")
        thread.join(10)
    assert done[0].outcome["status"] == "cancelled"
    with pytest.raises(BlockingIOError):
        os.eventfd_read(fd)


def test_program_that_is_ended_gives_its_turn_back(fd: int, launcher: Path) -> None:
    done: list[Performed] = []
    os.eventfd_write(fd, 1)
    start(fd, done, command=["sleep", "9"], limits={"wall_time": "100ms"}).join(10)
    assert done[0].outcome["status"] == "wall-time-limit"
    assert os.eventfd_read(fd) == 1
