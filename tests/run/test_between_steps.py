"""A jail that goes between the compiler's end and the program's start: nothing ran, and nothing is called well."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import plan
from sandbox_cli.run import execute
from sandbox_cli.run.supervise import Supervisor

if TYPE_CHECKING:
    from pathlib import Path

POLICY = "extends: _base\nlanguage: {name: toy, file: a, compile: {run: [/bin/true]}, run: [/bin/true]}\n"
WORK: Any = {
    "id": "between", "arguments": [], "file": b"a", "inputs": [(b"a", b"", 0o644)], "environment": [], "stdin": None,
    "stdout": None, "stderr": None, "capture": 1000, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip


class Killing(Supervisor):
    """Ends the jail when the compiler is done, as somebody from outside may."""

    def run(self) -> None:
        super().run()
        if self.step is not self.plan:
            self.jail.kill()
            while self.jail.alive:
                self._wait()


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_jail_that_is_ended_between_its_programs_is_a_sandbox_error(
    backend: str, tmp_path: Path, launcher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del launcher  # it is built
    (tmp_path / "toy.yaml").write_text(POLICY)
    compiled = plan.compile({"code": b"", "policy": str(tmp_path / "toy.yaml"), "backend": backend})
    assert execute(compiled, WORK)["status"] == "ok"
    monkeypatch.setattr(sys.modules[execute.__module__], "Supervisor", Killing)
    outcome = execute(compiled, WORK)
    assert (outcome["status"], outcome["usage"]) == ("sandbox-error", None)
    assert outcome["cause"] == "the jail was ended from outside when the code was compiled"
