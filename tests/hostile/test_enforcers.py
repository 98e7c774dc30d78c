"""An enforcer that is switched off is missed: with each in turn out of the plan, an attack no longer ends as it must.

So what the corpus proves is the enforcer's work, and not that of something else that happened to be in the way.
"""

from __future__ import annotations

import os
import re
import resource
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.hostile.conftest import LIMITS
from tests.hostile.head import read
from tests.hostile.test_limits import Attack, fits, held_by
from tests.hostile.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.conftest import Driver

ATTACKS = {
    "cpu_time": "cpu_loop.c",
    "cpus": "cpus_threads.c",
    "file_size": "file_size_killed.c",
    "memory": "memory_heap.c",
    "open_files": "open_files_all.py",
    "output": "output_flood.c",
    "processes": "processes_fork.c",
    "scratch_files": "scratch_empty_files.c",
    "scratch_size": "scratch_big_files.c",
    "tmp_size": "tmp_fill.py",
    "wall_time": "wall_sleep_deaf.c",
}
RLIMITS = {
    "file_size": resource.RLIMIT_FSIZE,
    "open_files": resource.RLIMIT_NOFILE,
    "processes": resource.RLIMIT_NPROC,
}
MUCH = 1 << 30


def switch_off(plan: dict[str, Any], name: str) -> None:
    """Takes the one enforcer of a limit out of a plan; all else stays."""
    limit = plan["limits"][name]
    if limit["enforcer"] == "supervisor":
        del plan["limits"][name]
    elif limit["enforcer"] == "rlimit":
        plan["rlimits"] = [(number, value) for number, value in plan["rlimits"] if number != RLIMITS[name]]
    elif limit["enforcer"] == "mount":
        sized = str(int(limit["value"]))
        plan["scratch"] |= {"size_bytes": MUCH, "files": MUCH}
        plan["argv"] = [str(MUCH) if word == sized else word for word in plan["argv"]]
    else:
        limit["enforcer"] = "nobody"


# firejail beside it for what it leaves to the sampler, as an ordinary user.
CASES = [*(("bwrap", name) for name in ATTACKS), ("firejail", "scratch_size")]


@pytest.mark.parametrize(("backend", "name"), CASES, indirect=["backend"])
def test_an_attack_comes_through_where_the_enforcer_is_off(
    name: str, backend: str, account: str, driver: Driver, program: Callable[[Path], bytes | str], shared_tmp: Path
) -> None:
    source = LIMITS / ATTACKS[name]
    attack = Attack(source, read(source), program(source), shared_tmp)
    assert attack.head.clause == f"limits.{name}"
    roomy = {key: value for key, value in attack.head.control.items() if key != name}  # what else the control needs
    limits = attack.head.limits | roomy
    plan = driver.plan(attack.job(backend, limits))
    enforcer = plan["limits"][name]["enforcer"]
    if enforcer is None:
        pytest.skip(f"nobody holds limits.{name} here")
    if "VM_WAY" in os.environ and not enforcer.startswith(("cgroup-", "systemd-")):
        pytest.skip(f"{enforcer} is the same in a guest as outside of it")
    traces = Traces(driver.process.pid, uuid.uuid4().hex)
    facts = {held_by({"receipt": plan["receipt"]}, attack.head.clause), backend, account}
    switch_off(plan, name)
    if name == "cpus":  # it ends well either way: what differs is what it gets, if others let it
        assert any(_gets_more(driver.run(plan=plan, work=attack.work(traces)), attack) for _ in range(30))
        return
    outcome = driver.run(plan=plan, work=attack.work(traces))
    endings = attack.head.endings(facts)
    shown = {key: outcome[key] for key in ("status", "blame", "exit_code", "signal", "limit_hits")}
    assert not any(fits(outcome, ending) for ending in endings), shown


def _gets_more(outcome: dict[str, Any], attack: Attack) -> bool:
    """Whether it had more than the cores that it may use."""
    used, share = outcome["usage"], attack.head.share
    assert share is not None
    return bool(used["cpu_time_s"] > share * used["wall_time_s"] + 0.1)


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_too_many_tasks_are_killed_where_the_sampler_alone_counts_them(
    backend: str, account: str, driver: Driver
) -> None:
    """As on kernels before 5.14, which this one is not: the plan is made as it is there, without groups."""
    command = ["/bin/sh", "-c", "i=0; while [ $i -lt 40 ]; do sleep 9 & i=$((i + 1)); done; wait"]
    plan = driver.plan({"command": command, "backend": backend, "limits": {"processes": "12"}})
    plan["rlimits"] = [(number, value) for number, value in plan["rlimits"] if number != resource.RLIMIT_NPROC]
    plan["groups"] = None
    for limit in plan["limits"].values():
        if limit["enforcer"].startswith(("cgroup-", "systemd-", "rlimit")):
            limit["enforcer"] = "sampler"
    outcome = driver.run(plan=plan)
    assert (outcome["status"], outcome["signal"]) == ("signalled", "SIGKILL"), outcome
    assert outcome["blame"]["clause"] == "limits.processes"
    assert re.fullmatch(r"limits\.processes: \d+ at once; 12 allowed", outcome["cause"])


def test_every_limit_is_switched_off_once() -> None:
    assert set(ATTACKS) == {
        read(path).clause.removeprefix("limits.") for path in LIMITS.iterdir() if path.suffix != ".h"
    }
