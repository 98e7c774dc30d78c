"""Signals cancel a job at any moment: what the command says then, and what it ends with."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
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


@pytest.mark.parametrize("command", ["batch", "policy test"])
def test_signal_to_a_command_of_many_threads_wakes_the_one_that_handles_it(
    sandbox: Sandbox, shared_tmp: Path, command: str
) -> None:
    """The kernel may give it to any thread that doesn't block it."""
    (shared_tmp / "mine.yaml").write_text("extends: command\n")
    (shared_tmp / "mine.test.yaml").write_text("tests: {waits: {command: [sleep, '9'], expect: allowed}}\n")
    words = [*command.split(), *(["-j", "2"] if command == "batch" else ["./mine.yaml"])]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with sandbox.popen(*words, cwd=shared_tmp, **pipes) as process:
        assert process.stdin is not None
        process.stdin.write(b'{"command": ["sleep", "9"]}\n')
        process.stdin.flush()
        wait_for_descendant(process.pid, b"sleep\0009\0")
        others = [task for task in Path(f"/proc/{process.pid}/task").iterdir() if task.name != str(process.pid)]
        masks = {line for each in others for line in (each / "status").read_text().splitlines() if "SigBlk" in line}
        process.send_signal(signal.SIGTERM)
        process.wait(5)
    assert others
    wanted = sum(1 << (number - 1) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    assert masks == {f"SigBlk:\t{wanted:016x}"}
    assert process.returncode == 143


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
    children: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):
        for thread in os.listdir(f"/proc/{pid}/task"):  # each has its own
            with suppress(FileNotFoundError, ProcessLookupError):
                children += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return children + [each for child in children for each in descendants(child)]


def command_line(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            return stream.read()
    except (FileNotFoundError, ProcessLookupError):
        return b""
