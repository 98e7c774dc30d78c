"""The supervisor dies at any moment, start-up included: its job dies with it, and the next start leaves no trace."""

from __future__ import annotations

import ast
import json
import os
import signal
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from tests.accounts import Sandbox

KILLS = 200
PATIENCE_S = 3.0  # for a command that is told to end

# Says "up" once, by a process that ignores every signal and has left the session of the one that started it.
DEAF = """
import os, signal, time
for number in (1, 2, 3, 13, 15): signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    with open("mine", "w") as file: file.write("left behind")
    os.write(1, b"up\\n")
time.sleep(60)
"""


@pytest.fixture
def reaped(sandbox: Sandbox, backend: str, session_directory: Path) -> dict[str, Any]:
    """What `reaper.py` saw when it killed the supervisors of one backend, as one account."""
    script = session_directory / "reaper.py"
    if not script.exists():
        made = session_directory / f"reaper-{uuid.uuid4()}"
        made.write_bytes(Path(__file__).with_name("reaper.py").read_bytes())
        made.rename(script)
    seed = uuid.uuid4().hex[:8]
    print(f"seed {seed}")
    done = sandbox.account.run([sandbox.account.python, str(script), backend, seed, str(KILLS)], timeout=300)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    seen: dict[str, Any] = ast.literal_eval(done.stdout.decode())
    for row in seen["rows"]:
        print(row)
    return seen | {"stderr": done.stderr.decode(errors="replace")}


def test_nothing_of_a_job_outlives_its_supervisor(
    reaped: dict[str, Any], backend: str, account: str, sandbox: Sandbox
) -> None:
    rows = reaped["rows"]
    assert len(rows) == KILLS
    assert [row["end"] for row in rows] == [-signal.SIGKILL] * KILLS, reaped["stderr"]  # none had ended by itself
    assert [(row["when"], row["left"]) for row in rows if row["left"]] == []

    # The kills came where they should: before the job ran, and while it did.
    assert sum(row["up"] for row in rows) >= KILLS // 4
    assert sum(not row["up"] for row in rows) >= KILLS // 4
    assert len({row["processes"] for row in rows}) > 2
    assert bool(reaped["accounts"]) == (account == "root" and backend != "firejail")
    assert reaped["locked"] == set()

    # firejail alone has directories on the host; these and control groups only the next start can remove.
    assert reaped["next"] == "ok"
    assert reaped["after"] == []
    assert any(path.startswith("/tmp/") for path in reaped["last"]) == (backend == "firejail")
    done = sandbox("clean", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"removed"}
    assert [path for path in reaped["last"] if Path(path).exists()] == []


@pytest.mark.parametrize(
    ("account", "number", "code"),
    [("root", signal.SIGTERM, 143), ("user", signal.SIGINT, 130)],
    ids=["root-TERM", "user-INT"],
    indirect=["account"],
)
def test_a_signal_ends_the_command_and_all_of_its_job(number: int, code: int, backend: str, sandbox: Sandbox) -> None:
    mark = f"mark-{uuid.uuid4()}"
    process = sandbox.popen("exec", "-b", backend, "--", *PYTHON, DEAF, mark, stdout=-1, stderr=-1)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        assert len(marked(mark)) >= 3  # the command itself, and the two processes of the job
        sent = time.monotonic()
        process.send_signal(number)
        stderr = process.communicate(timeout=10)[1]
        taken = time.monotonic() - sent
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code, stderr
    assert taken < PATIENCE_S
    assert b"Traceback" not in stderr
    assert marked(mark) == []
    assert [name for name in os.listdir("/tmp") if name.startswith("sandbox-") and f"-{process.pid}-" in name] == []


def marked(mark: str) -> list[str]:
    """The command lines that hold `mark`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path("/proc", pid, "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if mark.encode() in words:
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found
