"""How a batch ends before its time: signals, a reader who goes away, a full disk; and goes on after it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_batch import ONCE, TRUE, lines, results
from tests.cli.test_signals import descendants

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox

SLEEP = {"command": ["sleep", "50"], "limits": {"wall_time": "60s"}}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signal_ends_the_jobs_that_run_and_keeps_what_was_finished(
    sandbox: Sandbox, number: signal.Signals, code: int
) -> None:
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with sandbox.popen("batch", "-j", "3", "-q", **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(lines([{"id": "first", **TRUE}, SLEEP, SLEEP]))
        process.stdin.flush()
        first = process.stdout.readline()
        wait_for_sleepers(process.pid, 2)
        began = time.monotonic()
        process.send_signal(signal.SIGSTOP)
        process.send_signal(number)
        process.send_signal(signal.SIGTERM)  # at the same time, and the kernel gives them in the order of the numbers
        process.send_signal(signal.SIGCONT)
        stdout, stderr = process.communicate()
    assert time.monotonic() - began < 5
    assert [each["id"] for each in results(first + stdout)] == ["first"]
    assert (process.returncode, stderr.decode()) == (
        code,
        f"sandbox: cancelled by {number.name}: 2 jobs were ended, and have no result\n",
    )


@ONCE
def test_signal_ends_a_batch_whose_reader_takes_nothing(sandbox: Sandbox) -> None:
    source, sink = os.pipe()
    os.fchown(sink, sandbox.account.uid, -1)
    job = {"language": "python", "code": "print('x' * 500_000)"}
    with sandbox.popen("batch", "-q", stdin=subprocess.PIPE, stdout=sink, stderr=subprocess.DEVNULL) as process:
        os.close(sink)
        assert process.stdin is not None
        process.stdin.write(lines([job] * 8))
        process.stdin.flush()
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 143
        process.stdin.close()
    os.close(source)


@ONCE
@pytest.mark.parametrize("jobs", [[TRUE] * 500, [TRUE, *[SLEEP] * 4]], ids=["writing", "waiting"])
def test_batch_whose_reader_goes_away_ends_silently_with_its_jobs(sandbox: Sandbox, jobs: list[object]) -> None:
    pipes: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with sandbox.popen("batch", **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(lines(jobs))
        process.stdin.flush()
        assert process.stdout.readline().startswith(b'{"schema":')
        process.stdout.close()
        assert (process.wait(20), process.stderr.read()) == (141, b"")
        process.stdin.close()


@ONCE
def test_full_disk_is_said_in_a_sentence(sandbox: Sandbox) -> None:
    with open("/dev/full", "wb") as full:
        done = sandbox("batch", "-q", stdin=lines([TRUE] * 50), stdout=full)
    assert done.returncode == 125
    assert done.stderr == (
        b"sandbox: can't write results to standard output: No space left on device\n"
        b"hint: make room, and go on with --resume RESULTS: the results that are there count\n"
    )


@ONCE
def test_file_that_fills_up_ends_with_what_resume_can_go_on_with(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "jobs").write_bytes(lines([{"id": f"job-{number}", **TRUE} for number in range(30)]))

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    with sandbox.popen(
        "batch", "jobs", "--resume", "out", cwd=shared_tmp, preexec_fn=little_room, stderr=subprocess.PIPE
    ) as process:
        _, stderr = process.communicate()
    assert process.returncode == 125
    assert b"sandbox: can't write results to 'out': File too large\n" in stderr
    done = sandbox("batch", "jobs", "--resume", "out", cwd=shared_tmp)
    assert (done.returncode, done.stdout) == (0, b"")
    found = results((shared_tmp / "out").read_bytes())
    assert sorted(each["id"] for each in found) == sorted(f"job-{number}" for number in range(30))


@ONCE
def test_interrupted_batch_goes_on_with_what_is_left(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "jobs").write_bytes(lines([TRUE] * 60))
    with sandbox.popen("batch", "jobs", "--resume", "out", cwd=shared_tmp, stderr=subprocess.PIPE) as process:
        while not (shared_tmp / "out").exists() or (shared_tmp / "out").stat().st_size < 8000:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.endswith(b"hint: the same command goes on with what is left\n")
    before = len(results((shared_tmp / "out").read_bytes()))
    assert 1 < before < 60
    done = sandbox("batch", "jobs", "--resume", "out", cwd=shared_tmp)
    assert f"sandbox: {60 - before} jobs, after {before} that had a result in ".encode() in done.stderr
    found = results((shared_tmp / "out").read_bytes())
    assert sorted(int(each["id"]) for each in found) == list(range(1, 61))


def wait_for_sleepers(pid: int, count: int) -> None:
    for _ in range(2000):
        sleepers = [each for each in descendants(pid) if is_sleep(each)]
        if len(sleepers) == count:
            return
        time.sleep(0.01)
    pytest.fail("the jobs did not begin")


def is_sleep(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read() == b"sleep\x0050\x00"
    except OSError:
        return False
