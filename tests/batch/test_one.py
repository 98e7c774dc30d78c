"""One job of a batch: what the options add to it, and how often it is tried."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.api import perform
from sandbox_cli.api.plans import Plans
from sandbox_cli.api.request import request_of
from sandbox_cli.audit.job import refused
from sandbox_cli.batch.jobs import Asked
from sandbox_cli.batch.one import Defaults, performed
from sandbox_cli.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.result import Outcome


@pytest.mark.parametrize(
    ("document", "merged"),
    [
        ({"code": "1"}, {"code": "1", "policy": "p", "language": "python", "limits": {"memory": "1GiB"}}),
        ({"command": ["x"]}, {"command": ["x"], "policy": "p", "limits": {"memory": "1GiB"}}),
        (
            {"policy": "q", "language": "c", "limits": {"cpus": 1}},
            {"policy": "q", "language": "c", "limits": {"memory": "1GiB", "cpus": 1}},
        ),
        (
            {"policy": None, "limits": {"memory": "2GiB"}},
            {"policy": "p", "language": "python", "limits": {"memory": "2GiB"}},
        ),
        ({"limits": 7}, {"policy": "p", "language": "python", "limits": 7}),
    ],
)
def test_options_hold_for_what_a_job_leaves_out(document: dict[str, Any], merged: dict[str, Any]) -> None:
    defaults = Defaults(keys={"policy": "p"}, language="python", limits={"memory": "1GiB"})
    assert defaults.of(document) == merged


@pytest.mark.parametrize(
    ("fails", "retries", "tries", "status"),
    [(0, 2, 1, "ok"), (2, 2, 3, "ok"), (9, 2, 3, "sandbox-error"), (9, 0, 1, "sandbox-error")],
)
def test_failure_of_the_sandbox_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, fails: int, retries: int, tries: int, status: str
) -> None:
    began = 0

    def execute(*_: object) -> Outcome:
        nonlocal began
        began += 1
        outcome: Any = {**refused(UsageError("none"), "a"), "status": "sandbox-error" if began <= fails else "ok"}
        return outcome

    monkeypatch.setattr(perform, "execute", execute)
    asked = Asked("a", 1, request_of({"id": "a", "command": ["true"]}))
    done = performed(asked, Plans(), Defaults(), cancel=0, retries=retries)
    assert (began, done.outcome["status"]) == (tries, status)


@pytest.mark.parametrize("status", ["nonzero-exit", "wall-time-limit", "refused", "cancelled"])
def test_end_of_a_job_that_is_its_own_is_tried_once(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    outcomes: list[Any] = [{**refused(UsageError("none"), "a"), "status": status}]
    monkeypatch.setattr(perform, "execute", lambda *_: outcomes.pop())
    done = performed(Asked("a", 1, request_of({"command": ["true"]})), Plans(), Defaults(), cancel=0, retries=5)
    assert done.outcome["status"] == status


def test_what_is_no_job_has_its_line_in_an_audit(tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    plans = Plans(str(audit))
    no_file = request_of({"file": "/nowhere.py"})
    for number, (request, problem) in enumerate([(None, UsageError("it is no JSON")), (no_file, None)], 4):
        done = performed(Asked(f"j{number}", number, request, problem), plans, Defaults(), cancel=0, retries=0)
        assert (done.outcome["status"], done.outcome["id"]) == ("refused", f"j{number}")
        assert done.outcome["error"] is not None
        assert done.outcome["error"]["message"].startswith(f"line {number}: ")
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    assert [(line["id"], line["kind"], line["status"]) for line in lines] == [
        (f"j{number}", "batch", "refused") for number in (4, 5)
    ]
