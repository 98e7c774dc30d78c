"""Where `init` is not PID 1 the job can't signal it, just as a PID namespace keeps signals from its PID 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.launcher import bpf
from tests.launcher.protocol import AS_PID_1, AS_PID_2, NAMESPACE, python

if TYPE_CHECKING:
    from tests.launcher.protocol import Start

CALL = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
init = os.getppid()
def call(number, *arguments):
    ctypes.set_errno(0)
    return libc.syscall(number, *map(ctypes.c_long, arguments)), ctypes.get_errno()
"""
NUMBERS = {
    "kill": 62, "tkill": 200, "tgkill": 234, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "x32": 0x40000000,
} if bpf.X86 else {
    "kill": 129, "tkill": 130, "tgkill": 131, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240,
}  # fmt: skip

AT_INIT = [
    "kill, init, 9", "kill, init, 19", "kill, init, 15", "kill, init, 0", "kill, 1, 9", "kill, init | 0xdead << 32, 9",
    "tkill, init, 9", "tgkill, init, init, 9", "tkill, 1, 19", "tgkill, 1, 1, 9",
]  # fmt: skip
AT_ITS_GROUP = "kill, -init, 9"  # as PID 1 that would be kill(-1)


def try_call(start: Start, code: str, under: list[str] = AS_PID_2) -> str:
    """What the job saw. It then ends with 5, which init must be there to say."""
    values = "".join(f"{name} = {number}\n" for name, number in NUMBERS.items())
    ended = start(under=under).run(python(CALL + values + code + "\nos._exit(5)"))
    assert ended.lines[-1] == "exit 5", ended
    return ended.stdout.decode().strip()


@pytest.mark.parametrize("call", [*AT_INIT, AT_ITS_GROUP])
def test_signal_at_init_succeeds_and_does_nothing(start: Start, call: str) -> None:
    assert try_call(start, f"print(call({call}), flush=True)") == "(0, 0)"


def test_queued_signals_at_init_do_nothing(start: Start) -> None:
    code = """
info = (ctypes.c_int * 32)(9, 0, -1)
at = ctypes.addressof(info)
print(call(rt_sigqueueinfo, init, 9, at), call(rt_tgsigqueueinfo, init, init, 9, at), flush=True)
"""
    assert try_call(start, code) == "(0, 0) (0, 0)"


@pytest.mark.parametrize("call", AT_INIT)
def test_as_pid_1_the_kernel_answers_alike(start: Start, call: str) -> None:
    assert try_call(start, f"print(call({call}), flush=True)", AS_PID_1) == "(0, 0)"


@pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["as-pid-1", "below-pid-1"])
@pytest.mark.parametrize("number", [9, 19, 15])
def test_kill_everybody_finds_nobody(start: Start, under: list[str], number: int) -> None:
    assert try_call(start, f"print(call(kill, -1, {number}), flush=True)", under) == "(-1, 3)"


@pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["as-pid-1", "below-pid-1"])
def test_other_processes_can_be_signalled(start: Start, under: list[str]) -> None:
    code = """
child = os.fork()
if not child: signal.pause()
print(call(kill, child, 9)[0], os.waitpid(child, 0)[1], flush=True)
child = os.fork()
if not child:
    os.setpgid(0, 0)
    signal.pause()
while os.getpgid(child) != child: pass
print(call(kill, -child, 15)[0], os.waitpid(child, 0)[1], flush=True)
"""
    assert try_call(start, code, under).split() == ["0", "9", "0", "15"]


@pytest.mark.skipif(not bpf.X86, reason="x86_64 alone has these")
def test_x32_calls_do_not_exist(start: Start) -> None:
    assert (
        try_call(start, "print(call(x32 + kill, init, 9), call(x32 + 129, init, 9), flush=True)") == "(-1, 38) (-1, 38)"
    )


@pytest.mark.skipif(not bpf.X86, reason="x86_64 alone has these")
def test_i386_calls_do_not_exist(start: Start) -> None:
    # In a child, since a kernel without i386 calls ends it. push rbx; mov eax, 37 (kill); mov ebx, INIT; mov ecx, 9;
    # int 0x80; pop rbx; ret
    code = """
import mmap, struct
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex('53b825000000bb') + struct.pack('=i', init) + bytes.fromhex('b909000000cd805bc3'))
if not os.fork():
    kill = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    os._exit(-kill())
print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
    assert try_call(start, code) in {"38", "-11"}


def test_pid_1_is_guarded_too_where_it_would_listen(start: Start) -> None:
    init = start(under=[*NAMESPACE, "sh", "-c", 'trap "exit 77" TERM; "$@"; exit $?', "sh"])
    assert init.shell("kill -TERM 1; exit 5").lines[-1] == "exit 5"
    assert init.process.wait() == 0


def test_init_neither_ends_nor_spins_when_the_job_changes_its_limits(start: Start) -> None:
    """The job has its uid, so prlimit lets it. poll fails beyond RLIMIT_NOFILE."""
    code = """
import resource, time
for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_SIGPENDING, resource.RLIMIT_AS):
    resource.prlimit(init, limit, (0, 0))
for _ in range(2):
    if os.fork() == 0:
        if os.fork() == 0: os._exit(0)
        os._exit(0)
    os.wait()
    time.sleep(.2)
ticks = open(f'/proc/{init}/stat').read().rpartition(')')[2].split()[11:13]
print(sum(map(int, ticks)) / os.sysconf('SC_CLK_TCK') < .1, flush=True)
"""
    assert try_call(start, code) == "True"
