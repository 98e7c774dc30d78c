"""Tries a jailer: a tiny plan, run as every other plan is."""

from __future__ import annotations

from sandbox_cli.errors import SandboxError
from sandbox_cli.host.causes import Trial, explain
from sandbox_cli.host.model import Problem
from sandbox_cli.host.surroundings import look_around
from sandbox_cli.run import execute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.result import Outcome
    from sandbox_cli.run.model import Work

CAPTURE_BYTES = 4096


def try_jailer(plan: Plan, *, set_uid: bool) -> Problem | None:
    """Runs `plan`, whose program has to end with 0. None: its jailer made the jail as planned, and it works.

    `set_uid` says that the jailer works by its set-uid bit.
    """
    try:
        outcome = execute(plan, _work())
    except SandboxError as error:
        return Problem(error.message, error.hint)
    return judge(plan, outcome, set_uid=set_uid)


def judge(plan: Plan, outcome: Outcome, *, set_uid: bool) -> Problem | None:
    """What an outcome of that plan says about the machine."""
    if outcome["status"] == "ok":
        return None
    error = outcome["error"]
    if error is None:  # a jail was made, but even the tiny program can't run in it
        said = outcome["stderr"].decode("utf-8", "replace").strip()
        words = "; ".join(part for part in (outcome["status"], outcome["cause"], said) if part)
        return Problem(f"the trial program failed in the jail: {words}", None)
    trial = Trial(plan["backend"], plan["program"], set_uid, error["message"])
    return explain(trial, look_around(), error["hint"])


def _work() -> Work:
    return {
        "id": "trial",
        "arguments": [],
        "file": None,
        "inputs": [],
        "environment": [],
        "stdin": None,
        "stdout": None,
        "stderr": None,
        "capture": CAPTURE_BYTES,
        "collect": "none",
        "output_dir": None,
        "cancel": None,
    }
