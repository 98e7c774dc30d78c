"""What a job finds around itself is what the message says, byte for byte, and nothing of the jailer's."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import TYPE_CHECKING

import pytest

from tests.launcher import bpf
from tests.launcher.protocol import AS_PID_1, AS_PID_2, python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.launcher.protocol import Start

STATUS = [b"/bin/cat", b"/proc/self/status"]


def status_of(stdout: bytes) -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in stdout.decode().splitlines())


def echo(start: Start, *arguments: bytes) -> list[bytes]:
    """The arguments, as the kernel has them of a program that got them."""
    argv = [b"/bin/sh", b"-c", b"cat /proc/$$/cmdline; :", *arguments]
    ended = start().run(argv)
    assert ended.lines[-1] == "exit 0", ended
    return ended.stdout.split(b"\0")[3:-1]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="none"),
        pytest.param([b""], id="empty"),
        pytest.param([b"", b"a b", b"", b"*", b"--", b"\n", b""], id="odd"),
        pytest.param([bytes(range(1, 256)), b"\xff\xfe"], id="invalid-utf-8"),
        pytest.param([b"x" * 100_000], id="100-kB"),
        pytest.param([b"%d" % number for number in range(1000)], id="1000"),
    ],
)
def test_arguments_arrive_byte_for_byte(start: Start, arguments: list[bytes]) -> None:
    assert echo(start, *arguments) == arguments


def test_program_sees_the_name_it_is_given(start: Start) -> None:
    ended = start().run([b"-another name", b"-c", b'echo "$0"'], path=b"/bin/sh")
    assert ended.stdout == b"-another name\n"


@pytest.mark.parametrize(
    "env",
    [
        pytest.param([], id="none"),
        pytest.param([b"A=1", b"EMPTY=", b"B=a=b=c", b"SPACE= x ", b"NL=a\nb"], id="odd"),
        pytest.param([b"X=" + bytes(range(1, 256)), b"\xff\xfe=\x80"], id="invalid-utf-8"),
        pytest.param([b"no equals sign", b"=", b"A=1", b"A=2"], id="not-even-variables"),
        pytest.param([b"N%d=%s" % (number, b"v" * 100) for number in range(1000)], id="1000"),
    ],
)
def test_environment_is_the_message_s_byte_for_byte(start: Start, env: list[bytes]) -> None:
    ended = start(env={**os.environ, "LEAK": "of the jailer"}).run([b"/bin/cat", b"/proc/self/environ"], env=env)
    assert ended.stdout.split(b"\0") == [*env, b""]


def test_job_starts_in_its_directory_with_a_common_umask(start: Start, shared_tmp: Path) -> None:
    ended = start(umask=0o077).shell("pwd; umask", cwd=os.fsencode(shared_tmp), env=[b"PATH=/usr/bin:/bin"])
    assert ended.stdout.decode().split() == [str(shared_tmp), "0022"]


def test_every_rlimit_is_set_soft_and_hard(start: Start) -> None:
    asked = [
        (resource.RLIMIT_CPU, 7, 8),
        (resource.RLIMIT_FSIZE, 1 << 33, 1 << 34),
        (resource.RLIMIT_DATA, 1 << 32, 1 << 32),
        (resource.RLIMIT_STACK, 4 << 20, 8 << 20),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_NPROC, 50, 60),
        (resource.RLIMIT_NOFILE, 20, 30),
    ]
    code = f"import resource as r\nfor n in {[number for number, _, _ in asked]}: print(*r.getrlimit(n))"
    ended = start().run(python(code), rlimits=asked)
    assert [tuple(map(int, line.split())) for line in ended.stdout.splitlines()] == [row[1:] for row in asked]


@pytest.mark.parametrize(("under", "guards"), [(AS_PID_1, 0), (AS_PID_2, 1)], ids=["as-pid-1", "below-pid-1"])
def test_filter_is_loaded_once_and_no_new_privs_set(start: Start, under: list[str], guards: int) -> None:
    status = status_of(start(under=under).run(STATUS, bpf=bpf.answer("getppid", bpf.ERRNO | 77)).stdout)
    assert (status["Seccomp"], status["Seccomp_filters"], status["NoNewPrivs"]) == ("2", str(1 + guards), "1")


def test_filter_answers_for_the_kernel(start: Start) -> None:
    code = python("import os; print(os.getppid())")
    assert start().run(code, bpf=bpf.answer("getppid", bpf.ERRNO | 77)).stdout == b"-77\n"
    assert start().run(code).stdout == b"1\n"


def test_longest_filter_of_the_kernel_fits(start: Start) -> None:
    longest = bpf.answer("getppid", bpf.ERRNO | 77, padding=4092)
    assert len(longest) == 32768
    assert start().run([b"/bin/true"], bpf=longest).lines[-1] == "exit 0"


def test_no_filter_is_no_filter(start: Start) -> None:
    assert status_of(start().run(STATUS).stdout)["Seccomp"] == "0"


def ignore_and_block() -> None:
    """What Python, nohup and worse leave to a child; 32 and 33 only by the kernel's own call."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGCHLD, 40, 64):
        signal.signal(number, signal.SIG_IGN)
    libc = ctypes.CDLL(None)
    ignore, everything = (ctypes.c_ulong * 4)(1, 0, 0, 0), ctypes.c_ulong(2**64 - 1)
    calls = (13, 14) if bpf.X86 else (134, 135)
    for number in (32, 33):
        assert libc.syscall(calls[0], number, ignore, None, 8) == 0
    assert libc.syscall(calls[1], 0, ctypes.byref(everything), None, 8) == 0


def test_job_inherits_no_ignored_or_blocked_signal(start: Start) -> None:
    status = status_of(start(preexec_fn=ignore_and_block).run(STATUS).stdout)
    assert (int(status["SigIgn"], 16), int(status["SigBlk"], 16)) == (0, 0)


def test_job_and_init_lead_sessions_of_their_own(start: Start) -> None:
    init = start()
    child = init.arm().record("armed").sender
    assert (os.getsid(init.pid), os.getsid(child)) == (init.pid, child)


@pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["as-pid-1", "below-pid-1"])
def test_job_reaches_neither_files_nor_memory_of_init(start: Start, under: list[str]) -> None:
    code = """
import ctypes, os
ways = dict.fromkeys(('fd', 'map_files'), os.listdir) | dict.fromkeys(('mem', 'environ'), open)
for name in ('fd', 'mem', 'environ', 'cwd', 'exe', 'root', 'map_files', 'ns/pid'):
    try:
        ways.get(name, os.readlink)(f'/proc/{os.getppid()}/{name}')
        print('reached', name)
    except PermissionError: pass
libc = ctypes.CDLL(None)
if libc.ptrace(0x4206, os.getppid(), 0, 0) == 0: print('traced')
"""
    ended = start(under=under).run(python(code))
    assert (ended.stdout, ended.lines[-1]) == (b"", "exit 0")


def test_zombies_of_orphans_do_not_pile_up(start: Start) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9; do (true & true & true &) ; done; sleep .1; cat /proc/[0-9]*/stat; :"
    stdout = start(under=AS_PID_2).shell(script, env=[b"PATH=/usr/bin:/bin"]).stdout
    states = [line.rpartition(b")")[2].split()[0] for line in stdout.splitlines()]
    assert len(states) == len(["PID 1", "init", "job"])
    assert b"Z" not in states
