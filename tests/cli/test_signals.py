"""Signals cancel a job at any moment: what the command says then, and what it ends with."""

from __future__ import annotations

import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import one_result

if TYPE_CHECKING:
    from tests.accounts import Sandbox

PYTHON = ("-l", "python", "-c")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_cancels_the_job_and_is_told(sandbox: Sandbox, number: signal.Signals, code: int) -> None:
    words = ("run", "--json", "--timeout", "60s", "-e", "X=1", *PYTHON, "import time; time.sleep(60)")
    with sandbox.popen(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for_descendant(process.pid, b"main.py")
        process.send_signal(number)
        stdout, stderr = process.communicate()
    assert (process.returncode, stderr) == (code, b"")
    found = one_result(stdout)
    assert (found["status"], found["signal"]) == ("cancelled", number.name)
    assert found["usage"]["wall_time_s"] < 30


def test_signal_while_code_is_read_cancels_too(sandbox: Sandbox) -> None:
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with sandbox.popen("run", "--json", "-l", "python", "-", **pipes) as process:
        wait_until_it_reads(process.pid)
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate()
    assert (process.returncode, stderr) == (143, b"")
    assert one_result(stdout)["status"] == "cancelled"


def test_hangup_that_was_ignored_from_the_start_stays_ignored(sandbox: Sandbox) -> None:
    code = "import sys; print('up', flush=True); sys.stdin.read(); print('still')"
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    words = ["nohup", *sandbox.command, "run", *PYTHON, code]
    with sandbox.account.popen(words, stderr=subprocess.DEVNULL, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.send_signal(signal.SIGHUP)
        stdout, _ = process.communicate(b"")
    assert (process.returncode, stdout) == (0, b"still\n")


def wait_for_descendant(pid: int, word: bytes) -> None:
    """Until a process below `pid` has `word` in its command line."""
    patience = threading.Event()
    for _ in range(3000):
        if any(word in command_line(each) and b"sandbox_cli" not in command_line(each) for each in descendants(pid)):
            return
        patience.wait(0.01)
    pytest.fail(f"nothing with {word!r} was started")


def wait_until_it_reads(pid: int) -> None:
    patience = threading.Event()
    for _ in range(3000):
        with open(f"/proc/{pid}/syscall") as stream:
            if stream.read().split()[:2] == ["0", "0x0"]:  # read(0, ...)
                return
        patience.wait(0.01)
    pytest.fail("standard input was never read")


def descendants(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as stream:
            children = [int(child) for child in stream.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [each for child in children for each in descendants(child)]


def command_line(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""
