"""`on_output`: called in the caller's thread, as output comes; what it raises ends the job."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

import sandbox_cli as sandbox
from tests.api.watch import left_over

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.conftest import Program

    Show = Callable[[str, bytes], None]

BOTH = "for i in 1 2 3; do echo out$i; sleep 0.1; echo err$i >&2; sleep 0.1; done"


def run(script: str, show: Show) -> sandbox.Result:
    return sandbox.run(command=["sh", "-c", script], on_output=show)


def arun(script: str, show: Show) -> sandbox.Result:
    return asyncio.run(sandbox.arun(command=["sh", "-c", script], on_output=show))


@pytest.fixture(params=[run, arun], ids=["run", "arun"])
def call(request: pytest.FixtureRequest, launcher: Path) -> Callable[[str, Show], sandbox.Result]:
    return request.param


def test_output_comes_in_order_and_in_the_callers_thread(call: Callable[[str, Show], sandbox.Result]) -> None:
    seen: list[tuple[str, bytes]] = []
    threads = set()

    def show(stream: str, data: bytes) -> None:
        seen.append((stream, data))
        threads.add(threading.current_thread())

    result = call(BOTH, show)
    assert b"".join(data for _, data in seen).decode() == "out1\nerr1\nout2\nerr2\nout3\nerr3\n"
    assert [stream for stream, _ in seen] == ["stdout", "stderr"] * 3
    assert threads == {threading.current_thread()}
    assert result.stdout == "out1\nout2\nout3\n"


def test_output_comes_while_the_job_runs(call: Callable[[str, Show], sandbox.Result]) -> None:
    moments: list[float] = []
    call("echo 1; sleep 1", lambda _stream, _data: moments.append(time.monotonic()))
    assert time.monotonic() - moments[0] > 0.9


def test_all_of_it_is_told_before_the_call_returns(call: Callable[[str, Show], sandbox.Result]) -> None:
    seen = bytearray()
    result = call("head -c 900000 /dev/zero", lambda _stream, data: seen.extend(data))
    assert (len(seen), result.stdout_bytes) == (900000, 900000)


def test_what_it_raises_ends_the_job_and_is_raised(call: Callable[[str, Show], sandbox.Result]) -> None:
    calls = []

    def show(_stream: str, data: bytes) -> None:
        calls.append(data)
        raise ZeroDivisionError("mine")

    began = time.monotonic()
    with left_over() as left, pytest.raises(ZeroDivisionError, match="mine"):
        call("echo 1; sleep 1; echo 2; sleep 30", show)
    assert time.monotonic() - began < 8
    assert calls == [b"1\n"]
    assert left() == []


def test_slow_caller_does_not_keep_limits_from_being_held(launcher: Path) -> None:
    def show(_stream: str, _data: bytes) -> None:
        time.sleep(2)

    command = ["sh", "-c", "echo 1; exec sleep 10"]
    result = sandbox.run(command=command, limits={"wall_time": "500ms"}, on_output=show)
    assert result.status == "wall-time-limit"
    assert result.usage and result.usage.wall_time_s and result.usage.wall_time_s < 1.5


def test_output_of_a_compiler_is_told_as_stderr(tmp_path: Path, launcher: Path) -> None:
    step = "compile: {run: [/bin/sh, -c, 'echo made']}, run: [/bin/echo, done]"
    (tmp_path / "toy.yaml").write_text(f"extends: _base\nlanguage: {{name: toy, file: a, {step}}}\n")
    seen: list[tuple[str, bytes]] = []
    sandbox.run("x", policy=tmp_path / "toy.yaml", on_output=lambda stream, data: seen.append((stream, data)))
    assert seen == [("stderr", b"made\n"), ("stdout", b"done\n")]


def test_fork_in_a_callback_that_does_not_end_itself_gets_an_error_and_leaves_the_job_alone(program: Program) -> None:
    told = program("""
        def fork(stream, data):
            global child
            if data == b"1\\n":
                child = os.fork()
        child, here = None, os.getpid()
        try:
            result = sandbox.run(command=["sh", "-c", "echo 1; sleep 0.5; echo 2"], on_output=fork)
        except sandbox.HostError as error:
            os._exit(3 if "was forked while a job ran" in str(error) and os.getpid() != here else 4)
        print(json.dumps([result.stdout, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])]))
    """)
    assert told == ["1\n2\n", 3]
