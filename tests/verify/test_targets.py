"""What verify puts on the host goes again, whatever ends it; and what it tries there is no job's doing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import plan, verify
from sandbox_cli.plan import assemble
from sandbox_cli.policy import config as configuration
from sandbox_cli.run import fds, scratch
from sandbox_cli.verify import attack, program, targets
from sandbox_cli.verify.calls import UNTRIED
from tests.accounts import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

PUTTING = """
import sys, time
from sandbox_cli.verify import targets
from sandbox_cli.verify.calls import UNTRIED
with targets.set_up(lambda _: [UNTRIED], sys.argv[1]) as found:
    print(*found.files, flush=True)
    time.sleep(60)
"""
CONFIG = configuration.Config()


@pytest.fixture
def killed(tmp_path: Path) -> list[Path]:
    """The files of a verify that was killed."""
    words = [sys.executable, "-c", PUTTING, str(tmp_path)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        found = [Path(each) for each in process.stdout.readline().split()]
        targets.sweep(str(tmp_path))
        assert [each for each in found if not each.exists()] == []  # it lives
        process.kill()
    assert tmp_path in [each.parent for each in found]
    return found


def test_files_of_a_verify_that_was_killed_are_swept_and_nobody_elses(killed: list[Path], tmp_path: Path) -> None:
    other, link = tmp_path / ".sandbox-verify-1-mine", tmp_path / ".sandbox-verify-1-0123456a"
    other.touch()
    link.symlink_to(other)
    targets.sweep(str(tmp_path))
    assert [path for path in killed if path.exists()] == []
    assert other.exists()
    assert link.is_symlink()


def test_next_verify_sweeps_what_was_left(killed: list[Path], tmp_path: Path) -> None:
    with targets.set_up(lambda _: [UNTRIED], str(tmp_path)) as found:
        assert all(Path(each).exists() for each in found.files)
        assert [path for path in killed if path.exists()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's jobs have the user's account")
@pytest.mark.usefixtures("launcher")
def test_what_root_tries_outside_has_an_account_that_no_job_has(needs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("bwrap")
    first = 1_950_000_000
    accounts = (first, first + 3)
    running = scratch.free_account(*accounts)
    real, seen = program.outside, set()

    def outside(lines: Sequence[bytes], uid: int | None = None, gid: int | None = None) -> Any:
        if uid is not None:
            seen.add(uid)
            assert scratch._lock(uid) is None  # it is ours while it lasts
        return real(lines, uid, gid)

    monkeypatch.setattr(program, "outside", outside)
    verify._outside_once.cache_clear()
    settled, choice = plan.decide({"command": ["true"], "policy": "command", "backend": "bwrap"}, config=CONFIG)
    jail = assemble.plan(settled, choice, accounts)
    found = attack(jail, settled.effective, choice.host, uid_range=accounts, chosen="syscalls".__eq__)
    assert not any(each["verdict"] in verify.FAILURES for each in found)
    assert len(seen) == 1
    assert seen < {*range(first, first + 4)} - {running[0]}
    fds.close(running[2])
