"""A job of which somebody stops every process, jailer and launcher too: it ends at its wall time and leaves nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

SLEEPS = [*PYTHON, "import time; time.sleep(60)"]


def below(pid: int) -> list[int]:
    """All processes below this one, those nearer to it first."""
    found = [pid]
    for each in found:
        for task in Path("/proc", str(each), "task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except FileNotFoundError:
                continue
    return found[1:]


def has_ended(pid: int) -> bool:
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_stopped_job_ends_at_its_wall_time(driver: Driver, backend: str) -> None:
    stopped: list[int] = []

    def stop() -> None:
        time.sleep(1)
        stopped.extend(below(driver.process.pid))
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)

    thread = threading.Thread(target=stop)
    thread.start()
    began = time.monotonic()
    try:
        outcome = driver.run({"command": SLEEPS, "backend": backend, "limits": {"wall_time": "2s"}})
    finally:
        thread.join()
    assert (outcome["status"], outcome["blame"]["clause"]) == ("wall-time-limit", "limits.wall_time"), outcome["error"]
    assert time.monotonic() - began < 30
    assert len(stopped) >= 3
    assert all(has_ended(pid) for pid in stopped)
