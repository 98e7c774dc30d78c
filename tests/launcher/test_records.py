"""What `init` says of a job: each record, whoever is PID 1, and who sent it."""

from __future__ import annotations

import os
import resource
import signal
import stat
from typing import TYPE_CHECKING

import pytest

from tests.launcher import bpf
from tests.launcher.protocol import AS_PID_1, AS_PID_2, BARE, pack, python, stop_and_continue

if TYPE_CHECKING:
    from pathlib import Path

    from tests.launcher.protocol import Start

BEFORE = ["ready", "dir", "armed"]
STARTED = [*BEFORE, "started"]

anywhere = pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["as-pid-1", "below-pid-1"])


@anywhere
@pytest.mark.parametrize("code", [0, 1, 42, 127, 139, 255])
def test_exit_code_is_told_from_a_signal(start: Start, under: list[str], code: int) -> None:
    init = start(under=under)
    assert init.shell(f"exit {code}").lines == [*STARTED, f"exit {code}"]
    assert init.process.wait() == 0


@anywhere
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGPIPE, 64])
def test_signal_that_the_job_sends_itself_is_reported(start: Start, under: list[str], number: int) -> None:
    assert start(under=under).shell(f"ulimit -c 0; kill -{int(number)} $$").lines == [*STARTED, f"signal {number} 0"]


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_CORE)[1] == 0, reason="no core may be dumped here")
def test_core_is_part_of_the_signal(start: Start, shared_tmp: Path) -> None:
    shared_tmp.chmod(0o777)
    script = "ulimit -c unlimited; kill -SEGV $$"
    assert start().shell(script, cwd=bytes(shared_tmp)).lines == [*STARTED, "signal 11 1"]


def test_stop_is_no_end(start: Start) -> None:
    script = "(sleep .05; kill -CONT $$) & kill -STOP $$; exit 3"
    assert start().shell(script).lines == [*STARTED, "exit 3"]


@anywhere
def test_stop_of_a_job_that_asks_to_be_traced_is_no_end(start: Start, under: list[str]) -> None:
    """PTRACE_TRACEME makes init its tracer, which then hears of every signal. Another process ends it here."""
    code = """
import ctypes, os, signal, time
job = os.getpid()
if os.fork() == 0:
    while 't (' not in open(f'/proc/{job}/status').read(): time.sleep(.001)
    os.kill(job, signal.SIGKILL)
assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0
os.kill(job, signal.SIGUSR1)
"""
    assert start(under=under).run(python(code)).lines == [*STARTED, "signal 9 0"]


@pytest.mark.parametrize(
    ("name", "content", "mode", "error"),
    [
        ("missing", None, 0, "2"),
        ("not-executable", b"#!/bin/sh\n", 0o644, "13"),
        ("garbage", b"\1garbage", 0o755, "8"),
        ("no-interpreter", b"#!/no/such/interpreter\n", 0o755, "2"),
        ("", None, 0, "2"),
    ],
)
def test_program_that_cannot_start_gives_its_errno_and_no_start(
    start: Start, shared_tmp: Path, name: str, content: bytes | None, mode: int, error: str
) -> None:
    path = shared_tmp / name if name else ""
    if content is not None:
        (shared_tmp / name).write_bytes(content)
        (shared_tmp / name).chmod(mode)
    assert start().run([str(path).encode()]).lines == [*BEFORE, f"execfail {error}"]


def test_arguments_beyond_what_the_kernel_takes_are_e2big(start: Start) -> None:
    assert start().run([b"/bin/true", b"x" * (200 << 10)]).lines == [*BEFORE, "execfail 7"]


def test_missing_scratch_is_said(start: Start) -> None:
    assert start().run([b"/bin/true"], scratch=b"/no/such").lines[:2] == ["ready", "nodir 2"]


def test_missing_directory_is_said_and_nothing_starts(start: Start) -> None:
    assert start().run([b"/bin/true"], cwd=b"/no/such").lines == ["ready", "dir", "armfail chdir 2"]


def test_rlimit_that_the_kernel_refuses_names_its_step(start: Start) -> None:
    assert start().run([b"/bin/true"], rlimits=[(7, 9, 8)]).lines == ["ready", "dir", "armfail rlimit 22"]


def test_rlimit_above_the_hard_one_names_its_step(start: Start) -> None:
    under = [*AS_PID_1, "prlimit", "--nofile=100:100"]
    assert start(under=under).run([b"/bin/true"], rlimits=[(7, 101, 101)]).lines[-1] == "armfail rlimit 1"


def test_filter_that_the_kernel_refuses_names_its_step(start: Start) -> None:
    assert start().run([b"/bin/true"], bpf=b"\0" * 8).lines == ["ready", "dir", "armfail filter 22"]


def test_fork_that_a_limit_refuses_names_its_step(start: Start) -> None:
    assert start(under=[*AS_PID_1, "prlimit", "--nproc=1"]).run([b"/bin/true"]).lines[-1] == "armfail fork 11"


def test_scratch_comes_with_its_record(start: Start, shared_tmp: Path) -> None:
    (fd,) = start().run([b"/bin/true"], scratch=os.fsencode(shared_tmp)).record("dir").fds
    assert os.path.samestat(os.fstat(fd), os.stat(shared_tmp))
    assert stat.S_ISDIR(os.fstat(fd).st_mode)


def test_records_of_init_and_of_the_child_come_from_their_pids(start: Start) -> None:
    records = start().run([b"/bin/true"]).records
    init, child = records[0].sender, records[2].sender
    assert init != child
    assert [record.sender for record in records] == [init, init, child, init, init, init]


def test_record_that_the_job_forges_comes_from_another_pid(start: Start) -> None:
    init = start()
    end_of_init = os.dup(init.peer.fileno())
    ended = init.arm(python("import os; os.write(0, b'exit 0\\n'); os._exit(9)"), fds=[end_of_init] * 3)
    os.close(end_of_init)
    init.open_gate()
    init.finish(ended)
    forged, real = (record for record in ended.records if record.words[0] == "exit")
    assert (forged.line, forged.sender) == ("exit 0", ended.record("armed").sender)
    assert (real.line, real.sender) == ("exit 9", init.pid)


def test_total_counts_time_and_memory_of_the_whole_tree(start: Start) -> None:
    work = "x = b'x' * (64 << 20)\n  while sum(os.times()[:2]) < .1: pass"
    burn = f"import os\nif os.fork() == 0:\n  {work}\nelse: os.wait()"
    user_us, system_us, peak_kib = start().run(python(burn)).total
    assert 90_000 < user_us + system_us < 2_000_000
    assert 64 << 10 < peak_kib < 256 << 10


@anywhere
def test_total_counts_an_orphan_that_init_kills(start: Start, under: list[str]) -> None:
    burn = "import os,time\nif os.fork() == 0:\n  os.setsid()\n  while 1: pass\ntime.sleep(.2)"
    user_us, _, _ = start(under=under).run(python(burn)).total
    assert user_us > 50_000


def test_filter_that_denies_execve_ends_as_its_errno(start: Start) -> None:
    denied = bpf.answer("execve", bpf.ERRNO | 1)
    assert start().run([b"/bin/true"], bpf=denied).lines == [*BEFORE, "execfail 1"]


def test_filter_that_kills_at_write_starts_nothing(start: Start) -> None:
    deadly = bpf.answer("write", bpf.KILL)
    init = start()
    assert init.finish(init.arm(bpf=deadly, rlimits=[(4, 0, 0)])).lines == ["ready", "dir", "signal 31 0"]


def test_child_killed_at_the_gate_never_started(start: Start) -> None:
    init = start(under=BARE)
    ended = init.arm()
    os.kill(ended.record("armed").sender, signal.SIGKILL)
    assert init.finish(ended).lines == [*BEFORE, "signal 9 0"]


def test_child_killed_at_the_gate_does_not_cost_init_its_life_when_the_gate_opens(start: Start) -> None:
    init = start(under=AS_PID_2)
    ended = init.arm()
    os.kill(init.pid, signal.SIGSTOP)
    os.kill(ended.record("armed").sender, signal.SIGKILL)
    init.open_gate()
    os.kill(init.pid, signal.SIGCONT)
    assert init.finish(ended).lines == [*BEFORE, "signal 9 0"]


def test_init_and_child_go_on_after_a_stop_wherever_they_wait(start: Start) -> None:
    init = start(under=AS_PID_2)
    init.expect("ready")
    stop_and_continue(init.pid)  # it waits for the message
    body = pack([b"/bin/sh", b"-c", b"read line; exit 4"])
    reader, writer = os.pipe()
    init.send(body[:10], [reader] * 3, length=len(body))
    stop_and_continue(init.pid)  # for the rest of it
    init.socket.sendall(body[10:])
    init.expect("dir")
    child = init.expect("armed").sender
    stop_and_continue(init.pid)  # for the supervisor
    stop_and_continue(child)  # at the gate
    init.open_gate()
    init.expect("started")
    stop_and_continue(init.pid)  # for the job
    os.write(writer, b"\n")
    assert init.expect("exit").line == "exit 4"
    os.close(reader)
    os.close(writer)
