"""What is said where systemd gives no scope; that it gives one is shown in the guests, by tests/host/test_groups.py."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.run.limits import systemd_scope

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def busctl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts a shell script in the place of busctl."""
    program = tmp_path / "busctl"
    monkeypatch.setattr(systemd_scope, "_BUSCTL", (str(program),))
    monkeypatch.setattr(systemd_scope, "_TIMEOUT_S", 0.5)
    monkeypatch.setattr(systemd_scope, "_is_in", lambda scope: False)  # a test before this one may have entered one

    def make(script: str) -> None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    return make


def fds() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo Connecting; echo Call failed: Access denied; exit 1", "Call failed: Access denied"),
        ("exit 3", "ended with 3"),
        ("exit 0", "systemd did not start sandbox-"),
    ],
)
def test_no_scope_is_said_in_the_last_words_of_busctl(busctl, script, why):
    busctl(script)
    before = fds()
    assert why in systemd_scope.enter()
    assert fds() == before


@pytest.mark.parametrize("script", ["exec sleep 60", "exec >&- 2>&-; exec sleep 60"])
def test_a_bus_that_does_not_answer_keeps_nobody(busctl, tmp_path, script):
    busctl(f"echo $$ >{tmp_path}/pid; {script}")
    began = time.monotonic()
    assert systemd_scope.enter() == "it does not answer"
    assert time.monotonic() - began < 10
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_without_busctl_no_scope_can_be_asked_for(busctl):
    assert systemd_scope.enter() == "busctl, which comes with systemd, is not installed"


def test_a_busctl_that_can_not_be_started_is_one_sentence(busctl, tmp_path):
    busctl("")
    (tmp_path / "busctl").write_text("#!/nonexistent\n")
    before = fds()
    assert systemd_scope.enter() == f"{tmp_path}/busctl: No such file or directory"
    assert fds() == before


def test_a_runtime_directory_of_another_account_is_not_ours(as_user):
    """As `su` leaves it."""
    code = "from sandbox_cli.host import groups; from sandbox_cli.run.limits import systemd_scope as s"
    code += "; print(groups._has_systemd(), s.runtime_directory())"
    done = as_user.run([as_user.python, "-c", code], env={"XDG_RUNTIME_DIR": "/root"})
    assert done.stdout.decode().split()[-1] == f"/run/user/{as_user.uid}", done.stderr
