"""What isn't known is no pass: an answer that got lost, an end that no limit explains, a host that lacks a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import plan, verify
from sandbox_cli.plan import assemble
from sandbox_cli.policy import config as configuration
from sandbox_cli.verify import attack, bounds, program, targets
from sandbox_cli.verify.calls import Answer

if TYPE_CHECKING:
    pass

CONFIG = configuration.Config()
EAGAIN = -11

pytestmark = pytest.mark.usefixtures("launcher")


def decided() -> tuple[Any, Any]:
    return plan.decide({"command": ["true"], "policy": "command", "backend": "bwrap"}, config=CONFIG)


def test_answers_that_get_lost_on_the_way_are_broken(needs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("bwrap")
    whole = program.work
    monkeypatch.setattr(program, "work", lambda *words: {**whole(*words), "capture": 4096})
    settled, choice = decided()
    found = attack(assemble.plan(settled, choice, CONFIG.uid_range), settled.effective, choice.host)
    lost = sum(each["observed"] == "no answer" and each["verdict"] == "untried" for each in found)
    assert lost > 100
    (ending,) = [each for each in found if each["name"] == "let the probe end by itself"]
    assert ending["verdict"] == "broken"
    assert ending["observed"].startswith("it did, and nothing was heard of ")


@pytest.mark.parametrize(
    ("results", "status", "blame", "verdict"),
    [
        ([7, 8, EAGAIN], "ok", None, "held"),
        ([7, 8], "signalled", "limits.processes", "held"),
        ([7, 8], "signalled", None, "broken"),  # whatever it was, it was not the limit
        ([7, 8], "wall-time-limit", "limits.wall_time", "broken"),
        ([7, 8, -1], "ok", None, "escaped"),
        ([7, 8, 9, 10], "signalled", None, "escaped"),
        ([EAGAIN], "ok", None, "broken"),
    ],
)
def test_count_is_held_by_its_own_error_or_its_own_status_alone(
    results: list[int], status: str, blame: str | None, verdict: str
) -> None:
    outcome: Any = {"status": status, "cause": None, "blame": blame and {"clause": blame}}
    judge = bounds._EXCESSES["processes"](4, 1).judge
    assert judge([Answer(tuple(results))], outcome)[1] == verdict


def test_attempts_that_the_host_lacks_a_target_for_are_told_as_untried(
    needs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("bwrap")
    settled, choice = decided()
    monkeypatch.setattr(targets.socket, "create_server", _refusing)
    monkeypatch.setattr(targets, "_IPC_CREAT", 0)  # so no segment comes to be
    found = attack(
        assemble.plan(settled, choice, CONFIG.uid_range), settled.effective, choice.host,
        chosen=lambda clause: clause in {"network", "jail"},
    )  # fmt: skip
    told = {each["name"]: each["observed"] for each in found if each["verdict"] == "untried"}
    assert told == {
        "connect to the host's 127.0.0.1": "not tried: this host has no 127.0.0.1",
        "connect to the host's ::1": "not tried: this host has no ::1",
        "find shared memory of the host (SysV)": "not tried: none can be made on this host",
    }
    assert not any(each["verdict"] in verify.FAILURES for each in found)


def _refusing(*_words: Any, **_options: Any) -> None:
    raise OSError
