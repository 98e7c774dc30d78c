"""The live line on a real terminal: there when a job is long, gone without a trace, no byte of the job's hurt."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.cli import live
from tests.cli.conftest import one_result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.accounts import Sandbox

pytestmark = pytest.mark.parametrize("account", ["user"], indirect=True)
PYTHON = ("-l", "python", "-c")
SLEEP = "import time; time.sleep(3.2)"
DRAWN = re.compile(rb"\r\x1b\[K(sandbox: running [^\r\n]*)?")
TALK = """
import sys, time
print("one")
time.sleep(2.7)
sys.stdout.write("two\\nthree"); sys.stdout.flush()
time.sleep(1.7)
sys.stderr.write("!\\n")
time.sleep(1.7)
sys.stdout.buffer.write(bytes(range(32, 256)) * 400 + b"\\n")
"""
TALKED = b"one\ntwo\nthree!\n" + bytes(range(32, 256)) * 400 + b"\n"


class Terminal:
    """A pty of the job's account, and what was written to it, each piece with its moment."""

    def __init__(self, sandbox: Sandbox, columns: int = 100) -> None:
        self._sandbox = sandbox
        self.ours, self.theirs = pty.openpty()
        os.fchown(self.theirs, sandbox.account.uid, sandbox.account.gid)
        self.resize(columns)
        self.pieces: list[tuple[float, bytes]] = []

    def resize(self, columns: int) -> None:
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def run(
        self, *words: str, during: Callable[[float], None] = lambda _: None, env: Any = None, **streams: Any
    ) -> subprocess.CompletedProcess[bytes]:
        """`sandbox WORDS` with the terminal as its own and as each stream that isn't told otherwise."""
        given = {"stdin": self.theirs, "stdout": self.theirs, "stderr": self.theirs} | streams
        command = [*self._sandbox.command, *words]
        environment = {"TERM": "xterm"} | (env or {})
        with self._sandbox.account.popen(
            command, env=environment, start_new_session=True, preexec_fn=self._take, **given
        ) as process:
            began = time.monotonic()
            kept = bytearray()
            while process.poll() is None or self._ready(self.ours):
                if self._ready(self.ours, 0.05):
                    self.pieces.append((time.monotonic(), os.read(self.ours, 65536)))
                while process.stdout and self._ready(process.stdout.fileno()):
                    if not (piece := os.read(process.stdout.fileno(), 65536)):
                        break
                    kept += piece
                during(time.monotonic() - began)
        return subprocess.CompletedProcess(command, process.returncode, bytes(kept), b"")

    @property
    def written(self) -> bytes:
        return b"".join(piece for _, piece in self.pieces)

    @property
    def drawn(self) -> list[bytes]:
        """Each state of the line."""
        return [found[1] or b"" for found in DRAWN.finditer(self.written)]

    @property
    def rest(self) -> bytes:
        """All else that was written."""
        return DRAWN.sub(b"", self.written)

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)

    def _take(self) -> None:
        fcntl.ioctl(self.theirs, termios.TIOCSCTTY, 0)

    @staticmethod
    def _ready(fd: int, patience_s: float = 0) -> bool:
        return bool(select.select([fd], [], [], patience_s)[0])


@pytest.fixture
def terminal(sandbox: Sandbox) -> Iterator[Terminal]:
    made = Terminal(sandbox)
    yield made
    made.close()


def screen(written: bytes) -> bytes:
    """What a terminal shows in the end, as far as lines are drawn over."""
    lines: list[bytes] = []
    for line in written.split(b"\n"):
        shown = b""
        for piece in re.split(rb"(\r(?:\x1b\[K)?)", line):
            if piece == b"\r\x1b[K":
                shown = b""
            elif piece != b"\r":
                shown += piece
        lines.append(shown)
    return b"\n".join(lines)


def test_a_long_job_shows_time_cpu_and_memory_against_their_limits_and_leaves_no_trace(terminal: Terminal) -> None:
    done = terminal.run("run", *PYTHON, SLEEP)
    assert done.returncode == 0
    assert len(terminal.drawn) >= 3
    assert all(
        re.fullmatch(rb"sandbox: running [23]s of 10s, CPU 0\.\ds of 10s, memory [\d.]+[KM]iB of 512MiB", line)
        for line in terminal.drawn[:-1]
    ), terminal.drawn
    assert terminal.drawn[-1] == b""
    assert terminal.rest == b""


def test_the_jobs_own_bytes_arrive_whole_and_the_line_is_never_among_them(terminal: Terminal) -> None:
    done = terminal.run("run", *PYTHON, TALK)
    assert done.returncode == 0
    assert terminal.rest.replace(b"\r\n", b"\n") == TALKED
    assert screen(terminal.written).replace(b"\r", b"") == TALKED
    assert len([line for line in terminal.drawn if line]) >= 2
    behind = re.split(rb"three", terminal.written)[1].split(b"!")[0]
    assert behind == b"", "nothing is drawn while a line of the job's is not whole"


def test_with_json_the_line_is_drawn_though_a_pipe_takes_the_result(terminal: Terminal) -> None:
    done = terminal.run("run", "--json", *PYTHON, f"{SLEEP}; print('never seen')", stdout=subprocess.PIPE)
    assert one_result(done.stdout)["stdout"] == "never seen\n"
    assert terminal.drawn[0].startswith(b"sandbox: running 2s")
    assert (terminal.drawn[-1], terminal.rest) == (b"", b"")


def test_the_line_is_cut_to_the_terminal_also_when_that_gets_narrow(sandbox: Sandbox) -> None:
    terminal = Terminal(sandbox, columns=30)
    resized: list[float] = []

    def narrow(passed: float) -> None:
        if terminal.drawn and not resized:
            resized.append(passed)
            terminal.resize(20)

    try:
        terminal.run("run", *PYTHON, SLEEP, during=narrow)
        assert len(terminal.drawn[0]) == 29
        assert {len(line) for line in terminal.drawn[1:-1]} == {19}
        assert terminal.drawn[-1] == b""
    finally:
        terminal.close()


def test_a_job_that_is_killed_leaves_a_clean_line_for_the_reason(terminal: Terminal) -> None:
    done = terminal.run("run", "--timeout", "2500ms", *PYTHON, "import time; time.sleep(60)")
    assert done.returncode == 124
    assert terminal.drawn[-1] == b""
    assert screen(terminal.written).startswith(b"sandbox: limits.wall_time: still running")


@pytest.mark.parametrize("case", ["dumb", "short", "into a pipe", "errors elsewhere", "prompt"])
def test_the_line_is_not_drawn_where_it_can_not_be_seen_or_would_be_in_the_way(
    terminal: Terminal, shared_tmp: Path, case: str
) -> None:
    code, env = SLEEP, {"TERM": "xterm"}
    streams: dict[str, Any] = {}
    if case == "dumb":
        env = {"TERM": "dumb"}
    elif case == "short":
        code = "import time; time.sleep(1)"
    elif case == "into a pipe":
        streams = {"stdout": subprocess.PIPE}
    elif case == "errors elsewhere":
        streams = {"stderr": (shared_tmp / "errors").open("wb")}
    else:
        code = f"print('name? ', end='', flush=True); {SLEEP}"
    done = terminal.run("run", *PYTHON, code, env=env, **streams)
    assert (done.returncode, terminal.drawn) == (0, [])
    assert not (shared_tmp / "errors").exists() or (shared_tmp / "errors").read_bytes() == b""


def test_a_job_that_is_typed_to_is_left_alone(terminal: Terminal) -> None:
    typed: list[float] = []

    def answer(passed: float) -> None:
        if b"name?\r\n" in terminal.written and not typed:
            typed.append(passed)
            os.write(terminal.ours, b"Ann\n")

    done = terminal.run("run", *PYTHON, f"print('name?'); input(); {SLEEP}; print('end')", during=answer)
    assert (done.returncode, terminal.drawn) == (0, [])
    assert terminal.written == b"name?\r\nAnn\r\nend\r\n"


def test_in_the_background_the_terminal_is_not_touched(terminal: Terminal, sandbox: Sandbox) -> None:
    attributes = termios.tcgetattr(terminal.theirs)
    attributes[3] |= termios.TOSTOP  # who writes from the background is stopped
    termios.tcsetattr(terminal.theirs, termios.TCSANOW, attributes)
    words = [*sandbox.command, "run", *PYTHON, SLEEP]
    leader = (
        "import os, subprocess, sys\n"
        "job = subprocess.Popen(sys.argv[1:], process_group=0, stdout=subprocess.DEVNULL)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(job.pid, os.WUNTRACED)[1]))"
    )
    options: Any = {"stdin": terminal.theirs, "stdout": terminal.theirs, "stderr": terminal.theirs}
    with sandbox.account.popen(
        [sandbox.account.python, "-c", leader, *words],
        env={"TERM": "xterm"}, start_new_session=True, preexec_fn=terminal._take, **options,
    ) as process:  # fmt: skip
        try:
            assert process.wait(30) == 0
        finally:
            process.send_signal(signal.SIGKILL)
    assert not terminal._ready(terminal.ours)


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"wall_time_s": 9.99}, "running 9s of 1min"),
        ({"wall_time_s": 61.2, "cpu_time_s": 0.04}, "running 61s of 1min, CPU 0.0s"),
        (
            {"wall_time_s": 3.0, "cpu_time_s": 2.26, "memory_peak_bytes": 3 << 20},
            "running 3s of 1min, CPU 2.3s, memory 3MiB of 512MiB",
        ),
    ],
)
def test_only_what_is_measured_is_told_and_only_limits_that_there_are(
    account: str, seen: dict[str, float], told: str
) -> None:
    limits: Any = {"wall_time": {"value": 60.0}, "memory": {"value": 512 << 20}}
    assert live.words(seen, limits) == told
