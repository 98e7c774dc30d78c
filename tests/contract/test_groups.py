"""A job whose control group an administrator touches while it runs: it ends, says so, and leaves nothing."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PYTHON
from tests.run.groups_here import here

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Driver

SLEEPS = [*PYTHON, "import time; time.sleep(60)"]


@pytest.fixture
def plan(driver: Driver, backend: str) -> dict[str, Any]:
    compiled = driver.plan({"command": SLEEPS, "backend": backend, "limits": {"wall_time": "20s"}})
    if compiled["groups"] is None:
        pytest.skip("no control groups for this account")
    return compiled


def outer(driver: Driver, plan: dict[str, Any]) -> set[Path]:
    parents = map(Path, set(plan["groups"]["parents"].values()))
    return {path for parent in parents for path in parent.glob(f"sandbox-{driver.uid}-{driver.process.pid}-*")}


def meanwhile(driver: Driver, plan: dict[str, Any], act: Callable[[set[Path]], None]) -> dict[str, Any]:
    """The outcome of a run whose groups are given to `act` once the program is in them."""

    def wait() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            groups = outer(driver, plan)
            filled = [group for group in groups if any(inner_members(group))]
            if groups and len(filled) == len(groups):
                time.sleep(0.5)  # the gate has opened by then
                act(groups)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        return driver.run(plan=plan)
    finally:
        thread.join()


def inner(group: Path) -> Path:
    return group / "job-1" if (group / "job-1").exists() else group


def inner_members(group: Path) -> list[str]:
    return (inner(group) / "cgroup.procs").read_text().split()


def take_away(groups: set[Path]) -> None:
    """As `cgdelete` does: what is in a group is moved out first."""
    for group in groups:
        unlimited = group / "jail" if (group / "jail").exists() else group.parent
        for pid in inner_members(group):
            (unlimited / "cgroup.procs").write_text(pid)
        inner(group).rmdir()


def test_job_whose_group_is_taken_away_does_not_run_on(driver: Driver, plan: dict[str, Any]) -> None:
    began = time.monotonic()
    outcome = meanwhile(driver, plan, take_away)
    assert (outcome["status"], outcome["cause"]) == (
        "sandbox-error",
        "somebody removed the job's control group while it ran",
    )
    assert outcome["usage"]["memory_peak_bytes"] is None
    assert time.monotonic() - began < 15
    assert not outer(driver, plan)


def test_frozen_job_ends_at_its_wall_time(driver: Driver, plan: dict[str, Any]) -> None:
    if here().enforcer == "cgroup-v1":
        pytest.skip("version 1 freezes in a tree of its own")
    plan["limits"]["wall_time"]["value"] = 3.0

    def freeze(groups: set[Path]) -> None:
        for group in groups:
            (group / "cgroup.freeze").write_text("1")

    began = time.monotonic()
    outcome = meanwhile(driver, plan, freeze)
    assert outcome["status"] == "wall-time-limit", os.fsdecode(repr(outcome["error"]))
    assert time.monotonic() - began < 30
    assert not outer(driver, plan)
