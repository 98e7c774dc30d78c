"""Outcomes and results of tests, made up."""

from __future__ import annotations

from typing import Any

from sandbox_cli.errors import PolicyError
from sandbox_cli.result import refusal

BLAME = {"clause": "limits.memory", "source": "file", "file": "/x.yaml", "line": 3}


def outcome(status: str = "ok", **more: Any) -> Any:
    """How a job went: by default well, without a word."""
    code = {"ok": 0, "nonzero-exit": 1, "compile-error": 1, "cannot-start": 127}.get(status)
    base: Any = refusal(PolicyError("made up"), "test")
    return {**base, "status": status, "cause": None, "blame": None, "error": None, "exit_code": code, **more}


def came(**more: Any) -> Any:
    """What came of a test: by default it passed."""
    return {
        "policy": "mine", "name": "says hello", "file": "/here/mine.test.yaml", "line": 2, "backend": "bwrap",
        "verdict": "passed", "mismatches": [], "reason": None, "fix": None,
        "status": "ok", "cause": None, "stderr": None, "time_s": 0.05, **more,
    }  # fmt: skip
