"""Every attack of limits/ on every backend, as root and as an ordinary user: what its own head says comes of it.

Beside it a control: with the limit raised, the same program ends well, so that an attack that does nothing is no proof.
"""

from __future__ import annotations

import math
import os
import subprocess
import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.policy import units
from sandbox_cli.run import fds, names
from tests.hostile.comments import HeadError
from tests.hostile.conftest import LIMITS
from tests.hostile.head import read
from tests.hostile.traces import MARK, Clock, Traces

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Driver
    from tests.hostile.head import Ending, Head

SOURCES = sorted(path for path in LIMITS.iterdir() if path.suffix in {".c", ".py"})
SLOW = float(os.environ.get("SANDBOX_TESTS_SLOW", "1"))  # how much slower than a plain machine this one is
SLIP_S = 0.5 * SLOW
TRIES = 3  # what slows the machine down does it each time; other tests, and the disk, don't
PATIENCE_S = 2 * SLOW


@dataclass
class Attack:
    """One program of the corpus, and where it is run."""

    source: Path
    head: Head
    content: bytes | str
    folder: Path  # for the policy

    def job(self, backend: str, limits: dict[str, str]) -> dict[str, Any]:
        """The job; its policy is a file, so that a limit can be raised beyond every `max`, and blamed on its line."""
        # Everything is looked through for artifacts, and little of it is brought here.
        lines = ["extends: command", "artifacts: {max_bytes: 64KiB}", self.head.policy, "limits:"]
        lines += [f"  {name}: {scaled(name, value)}" for name, value in limits.items()]
        policy = self.folder / f"{self.head.name}.yaml"
        policy.write_text("\n".join(lines) + "\n")
        command = ["./attack"] if self.source.suffix == ".c" else ["/usr/bin/python3", "-IS", "attack"]
        return {"command": [*command, f"{SLOW:g}"], "backend": backend, "policy": str(policy)}

    def work(self, traces: Traces) -> dict[str, Any]:
        inputs = [(b"attack", self.content, 0o755)]
        return {"inputs": inputs, "environment": [traces.environment], "capture": 1000}


def scaled(name: str, value: str) -> str:
    """A wall time is that of a plain machine; nothing else depends on speed."""
    if name != "wall_time" or value == "none":
        return value
    return f"{units.parse_limit(name, value) * SLOW:g}s"


def run(attack: Attack, driver: Driver, backend: str, limits: dict[str, str]) -> tuple[dict[str, Any], float]:
    """The outcome of a run that left nothing behind and kept the machine responsive; and how late that was at worst."""
    slips: list[float] = []
    while len(slips) < TRIES:
        traces, clock = Traces(driver.process.pid, uuid.uuid4().hex), Clock()
        question: Any = {"job": attack.job(backend, limits), "work": attack.work(traces), "zeros": attack.head.stdin}
        outcome = clock.measure(partial(driver.ask, question, timeout_s=60 * SLOW))
        assert "refused" not in outcome, outcome
        assert traces.left(PATIENCE_S) == []
        if clock.slip_s < SLIP_S:
            return outcome, clock.slip_s
        slips.append(clock.slip_s)
    pytest.fail(f"the machine was late by {slips} s")


def held_by(outcome: dict[str, Any], clause: str) -> str:
    """Who holds the clause, by the receipt, in the words of the heads."""
    [line] = [each for each in outcome["receipt"]["clauses"] if each["clause"] == clause]
    enforcer = line["enforced_by"]
    assert (enforcer is None) == (line["level"] == "none"), line
    if enforcer is None:
        return "nobody"
    return "group" if enforcer.startswith(("cgroup-", "systemd-")) else str(enforcer)


def fits(outcome: dict[str, Any], ending: Ending) -> bool:
    clause = outcome["blame"]["clause"] if outcome["blame"] else None
    if (outcome["status"], clause) != (ending.status, ending.clause):
        return False
    if ending.hit is not None and ending.hit not in outcome["limit_hits"]:
        return False
    return ending.end is None or ending.end in {outcome["exit_code"], outcome["signal"]}


def by_group(usage: dict[str, Any], figure: str) -> bool:
    return str(usage["measured_by"].get(figure)).startswith(("cgroup-", "systemd-"))


def check_usage(outcome: dict[str, Any], limits: dict[str, str], head: Head, slip_s: float) -> None:
    """No figure can be wrong: what can't be, and what must have been seen.

    `slip_s` is what this very machine was late with anything meanwhile.
    """
    usage = outcome["usage"]
    used = {name: units.parse_limit(name, text) for name, text in limits.items() if text != "none"}
    figures = {name: value for name, value in usage.items() if not isinstance(value, dict)}
    assert all(value is None or value >= 0 for value in figures.values()), usage
    assert figures.keys() == usage["unmeasured"].keys() | {name for name, value in figures.items() if value is not None}
    if usage["cpu_time_s"] is not None:
        assert math.isclose(usage["cpu_time_s"], usage["cpu_user_s"] + usage["cpu_system_s"], abs_tol=1e-6), usage
        assert usage["cpu_time_s"] <= (usage["wall_time_s"] + 0.3 * SLOW) * os.cpu_count(), usage
    if head.touches is not None and by_group(usage, "memory_peak_bytes"):
        assert usage["memory_peak_bytes"] >= min(head.touches, 0.9 * used["memory"]), usage
    if head.burns is not None and by_group(usage, "cpu_time_s") and outcome["status"] == "ok":
        assert usage["cpu_time_s"] >= 0.95 * head.burns, usage
    if "processes" in used and outcome["status"] != "signalled":
        assert (usage["processes_peak"] or 0) <= used["processes"], usage
    if outcome["status"] == "cpu-time-limit":
        assert usage["cpu_time_s"] >= used["cpu_time"], usage
    if outcome["status"] == "wall-time-limit":
        assert used["wall_time"] * SLOW <= usage["wall_time_s"] < (used["wall_time"] + 0.5) * SLOW + slip_s, usage
    if head.share is not None and held_by(outcome, "limits.cpus") == "group" and limits == head.limits:
        assert usage["cpu_time_s"] <= head.share * usage["wall_time_s"] + 0.1, usage


@pytest.fixture
def attack(request: pytest.FixtureRequest, program: Callable[[Path], bytes | str], shared_tmp: Path) -> Attack:
    return Attack(request.param, read(request.param), program(request.param), shared_tmp)


each_attack = pytest.mark.parametrize("attack", SOURCES, ids=lambda path: path.name, indirect=True)


@each_attack
def test_attack_ends_as_its_head_says(attack: Attack, backend: str, account: str, driver: Driver) -> None:
    head = attack.head
    outcome, slip_s = run(attack, driver, backend, head.limits)
    facts = {held_by(outcome, head.clause), backend, account}
    endings = head.endings(facts)
    shown = {name: outcome[name] for name in ("status", "cause", "blame", "exit_code", "signal", "limit_hits", "usage")}
    assert any(fits(outcome, ending) for ending in endings), (endings, facts, shown, outcome["stderr"][-300:])
    if outcome["blame"] is not None:
        assert outcome["blame"]["file"] == str(attack.folder / f"{head.name}.yaml")
    check_usage(outcome, head.limits, head, slip_s)


@each_attack
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_attack_ends_well_where_its_limit_is_raised(attack: Attack, backend: str, driver: Driver) -> None:
    limits = attack.head.limits | attack.head.control
    outcome, slip_s = run(attack, driver, backend, limits)
    assert (outcome["status"], outcome["exit_code"]) == ("ok", 0), (outcome["cause"], outcome["stderr"][-300:])
    check_usage(outcome, limits, attack.head, slip_s)


def test_every_limit_has_a_case() -> None:
    assert {read(path).clause.removeprefix("limits.") for path in SOURCES} == set(units.LIMITS)


def test_what_a_job_leaves_is_found(shared_tmp: Path) -> None:
    """Or no attack's traces would be: a process of the job, a child of the supervisor, a directory."""
    traces = Traces(os.getpid(), "token")
    process = subprocess.Popen(["sleep", "60"], env={MARK: "token"})
    path, lock = names.make("/tmp", 0o700)  # no sweep takes it
    directory = Path(path)
    try:
        found = traces.left(0.5)
    finally:
        directory.rmdir()
        fds.close(lock)
        process.kill()
        process.wait()
    assert {each.split(":")[0] for each in found} >= {f"process {process.pid}", f"child {process.pid}", str(directory)}
    assert not [each for each in traces.left(1) if str(process.pid) in each or str(directory) in each]


GOOD = """\
// attempt: Nothing,
//     at length.
// clause: limits.memory
// limits: memory=1MiB
// takes: 1 MiB
// control: memory=none
// expect: memory-limit limits.memory SIGKILL
// expect sampler: ok - 0 or nonzero-exit - 3 hits=processes -- a reason
int main(void) { return 0; }
"""


def test_a_head_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text(GOOD)
    head = read(tmp_path / "x.c")
    assert (head.attempt, head.limits, head.control) == ("Nothing, at length.", {"memory": "1MiB"}, {"memory": "none"})
    [strict] = head.endings({"group", "bwrap"})
    assert (strict.status, strict.clause, strict.end, strict.hit) == ("memory-limit", "limits.memory", "SIGKILL", None)
    first, second = head.endings({"sampler", "bwrap"})
    assert (first.status, first.clause, first.end, first.hit) == ("ok", None, 0, None)
    assert (second.status, second.end, second.hit) == ("nonzero-exit", 3, "processes")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("// takes:", "// took:"),
        ("// takes: 1 MiB\n", ""),
        ("// takes: 1 MiB\n", "// takes: 1 MiB\n// takes: 1 MiB\n"),
        ("// takes: 1 MiB\n", "// takes: 1 MiB\n// free text\n"),
        ("clause: limits.memory", "clause: limits.memroy"),
        ("clause: limits.memory", "clause: memory"),
        ("memory=1MiB", "memory=1"),
        ("memory=1MiB", "memory"),
        ("memory-limit limits.memory SIGKILL", "memory-limit - SIGKILL"),
        ("memory-limit limits.memory SIGKILL", "killed limits.memory SIGKILL"),
        ("memory-limit limits.memory SIGKILL", "memory-limit limits.memory SIGKILL -- a reason"),
        ("expect sampler", "expect smapler"),
        (" -- a reason", ""),
        ("hits=processes", "hits=process"),
        ("ok - 0 or", "ok limits.memory 0 or"),
    ],
)
def test_a_head_that_is_not_as_the_form_says_is_refused(old: str, new: str, tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text(GOOD.replace(old, new, 1))
    with pytest.raises(HeadError):
        read(tmp_path / "x.c")


def test_two_expectations_that_are_as_near_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.c").write_text(GOOD.replace("// expect:", "// expect root: ok - 0 -- a reason\n// expect:"))
    with pytest.raises(HeadError, match="2 expectations"):
        read(tmp_path / "x.c").endings({"sampler", "root"})
