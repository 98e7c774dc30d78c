"""The supervisor's loop, where what it needs can't be had."""

from __future__ import annotations

import errno
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.plan import compile  # noqa: A004 (the published name)
from sandbox_cli.run import execute
from sandbox_cli.run.limits.sampler import Sampler

if TYPE_CHECKING:
    from pathlib import Path


WORK: Any = {
    "id": "of-a-test", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None,
    "stdout": None, "stderr": None, "capture": 1 << 20, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip


def test_job_that_can_be_watched_no_more_is_ended_and_said_to_be(
    launcher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blind(self: Sampler, until: float = 0) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), "/proc/1")

    monkeypatch.setattr(Sampler, "look", blind)
    began = time.monotonic()
    outcome = execute(compile({"command": ["sleep", "60"], "policy": "command", "backend": "bwrap"}), WORK)
    assert time.monotonic() - began < 10
    assert outcome["status"] == "sandbox-error"
    assert outcome["error"] is not None
    assert "can't be watched any more: Too many open files" in outcome["error"]["message"]
