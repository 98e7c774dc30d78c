"""A forked run of the command is what a started one is, to the job and to whoever looks at it from outside."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests import ready
from tests.accounts import Sandbox
from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from pathlib import Path

PER_RUN = ("id", "usage")


@pytest.fixture
def started(sandbox: Sandbox) -> Sandbox:
    """The same, started anew each time."""
    return Sandbox(sandbox.account)


def told(sandbox: Sandbox, *words: str, stdin: bytes = b"") -> dict[str, Any]:
    result = sandbox.json("exec", *words, stdin=stdin)
    return {name: value for name, value in result.items() if name not in PER_RUN}


def test_the_result_is_the_same(sandbox: Sandbox, started: Sandbox) -> None:
    code = "import os, sys; print(sorted(os.environ.items()), os.listdir('/proc/self/fd'), sys.stdin.read()); exit(3)"
    assert told(sandbox, "--", *PYTHON, code, stdin=b"in") == told(started, "--", *PYTHON, code, stdin=b"in")


def test_words_and_status_are_the_same_byte_for_byte(sandbox: Sandbox, started: Sandbox) -> None:
    words = ("exec", "--", "/bin/sh", "-c", 'printf %s "$1"; echo no >&2; exit 7', "sh", b"\xff \n'\xc3\xa9")
    forked, fresh = sandbox(*words), started(*words)
    assert (forked.returncode, forked.stdout, forked.stderr) == (fresh.returncode, fresh.stdout, fresh.stderr)
    assert forked.returncode == 7


def test_a_mistake_is_told_alike(sandbox: Sandbox, started: Sandbox) -> None:
    forked, fresh = sandbox("run", "--nope"), started("run", "--nope")
    assert (forked.returncode, forked.stdout, forked.stderr) == (fresh.returncode, fresh.stdout, fresh.stderr)
    assert forked.returncode == 125


def test_no_run_has_anything_of_another(sandbox: Sandbox, shared_tmp: Path) -> None:
    assert len({sandbox.json("exec", "--", "true")["id"] for _ in range(3)}) == 3
    (shared_tmp / "policy.yaml").write_text("extends: command\n")
    named = ("exec", "-p", f"{shared_tmp}/policy.yaml", "--", "true")
    assert sandbox(*named).returncode == 0
    (shared_tmp / "policy.yaml").write_text("extends: nothing-of-that-name\n")
    assert sandbox(*named).returncode == 125
    assert b"nothing-of-that-name" in sandbox(*named, env={"SANDBOX_BACKEND": "bwrap"}).stderr


def test_more_than_a_pipe_holds_goes_in_and_comes_out(sandbox: Sandbox) -> None:
    sent = os.urandom(1 << 20)
    done = sandbox("exec", "--limit", "output=8MiB", "--", "cat", stdin=sent)
    assert done.stdout == sent


def test_runs_at_once_run_at_once(sandbox: Sandbox) -> None:
    wait = ("exec", "--", "sleep", "1")
    with ThreadPoolExecutor(3) as three:
        codes = [done.returncode for done in three.map(lambda _: sandbox(*wait), range(3))]
    assert codes == [0, 0, 0]


def test_a_run_that_takes_too_long_is_killed(sandbox: Sandbox) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        sandbox("exec", "--", "sleep", "60", timeout=2)
    assert sandbox("exec", "--", "true").returncode == 0


@pytest.mark.parametrize(
    ("options", "env", "served"),
    [
        ({"stdin", "timeout", "env"}, {"XDG_CONFIG_HOME": "x", "SANDBOX_BACKEND": "bwrap"}, True),
        ({"cwd"}, None, False),
        ({"stdout"}, None, False),
        ((), {"PYTHONPATH": "x"}, False),
        ((), {"PATHS": "x"}, False),
    ],
)
def test_what_decides_more_starts_it_anew(
    options: set[str], env: dict[str, str] | None, served: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ready, "FRESH", False)
    assert ready.serves(options, env) is served
    monkeypatch.setattr(ready, "FRESH", True)
    assert not ready.serves(options, env)
