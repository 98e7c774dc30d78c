"""Much output goes through a supervisor that stays small: what it may grow by is what it keeps, and 2 MiB."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sandbox_cli.cli import output

if TYPE_CHECKING:
    from tests.accounts import Sandbox

SIZE = 64 << 20
KEPT_KIB, ROOM_KIB = 1024, 2048
PROGRAM = f"sleep 0.5; exec head -c {SIZE} /dev/zero"  # each byte is six characters of JSON


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["piped", "json"])
def test_supervisor_of_much_output_grows_by_what_it_keeps_and_little_more(
    sandbox: Sandbox, backend: str, options: list[str]
) -> None:
    words = ("exec", "-b", backend, "--limit", "output=1GiB", "--timeout", "1min", *options, "--", "sh", "-c", PROGRAM)
    with sandbox.popen(*words, stdout=subprocess.PIPE) as process:
        wait_for_sleep(process.pid)
        forget_peak(process.pid)
        before = memory_kib(process.pid, "VmRSS")
        assert process.stdout is not None
        received, result, peak = 0, bytearray(), before
        while piece := os.read(process.stdout.fileno(), 65536):
            received += len(piece)
            result += piece if options else b""
            peak = memory_kib(process.pid, "VmHWM") or peak
    assert process.returncode == 0
    if options:
        seen = json.loads(result)
        assert (seen["status"], seen["stdout_bytes"], len(seen["stdout"])) == ("ok", SIZE, 1 << 20)
    else:
        assert received == SIZE
    assert peak - before <= KEPT_KIB + ROOM_KIB


def test_a_result_in_pieces_is_the_same_line_of_json() -> None:
    found = {"a": "x" * 200_000, "b": '\0ä😀\\"' * 50_000, "c": {"d": [1, None, 2.5]}, "e": "", "f": None}
    assert b"".join(output.in_pieces(found)) == (output.as_line(found) + "\n").encode()
    assert max(map(len, output.in_pieces(found))) < 1_000_000
    assert b"".join(output.in_pieces({"a": 1})) == b'{"a": 1}\n'


def wait_for_sleep(pid: int) -> None:
    """Until the job of a supervisor runs."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if any(each.name() == "sleep" for each in psutil.Process(pid).children(recursive=True)):
                return
        except psutil.NoSuchProcess:  # one of the trial's, while it was looked at
            pass
        time.sleep(0.01)
    pytest.fail("the job did not start within 30 s")


def forget_peak(pid: int) -> None:
    """From here on the kernel keeps the peak of its memory anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory_kib(pid: int, field: str) -> int:
    """0 where it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), 0)
