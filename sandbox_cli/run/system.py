"""The few things that the run asks of the kernel, without the modules that cost milliseconds to import.

`signal` and `socket` build enums when they are imported (5 ms each); the C modules beneath them don't.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Iterable
else:
    import _signal

SIGHUP, SIGKILL, SIGPIPE, SIGCHLD, SIGCONT, SIGXCPU, SIGXFSZ, SIGSYS = 1, 9, 13, 17, 18, 24, 25, 31
_DYING_S = 2.0  # that somebody who was killed may take, on a busy machine
_PROCESS_GROUP = 4  # PIDFD_SIGNAL_PROCESS_GROUP, Linux 6.9

SIGNALS: dict[str, int] = {
    name: number for name, number in vars(_signal).items() if name.startswith("SIG") and not name.startswith("SIG_")
}
_ALIASES = {"SIGIOT", "SIGCLD", "SIGPOLL"}
_NAMES = {number: name for name, number in SIGNALS.items() if name not in _ALIASES and not name.startswith("SIGRT")}


def leave_signals() -> None:
    """For a thread of a command beside its main one: what is sent to the process wakes the main thread, which alone
    runs handlers. Another thread that took it would let that one wait."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, (SIGNALS["SIGINT"], SIGNALS["SIGTERM"], SIGHUP))


def signal_name(number: int) -> str:
    """`SIGKILL` for 9; real-time signals as `SIGRTMIN+N`, the two that libc keeps to itself by number."""
    if number in _NAMES:
        return _NAMES[number]
    first = SIGNALS["SIGRTMIN"]
    return f"SIGRTMIN+{number - first}" if number >= first else f"SIG{number}"


def kill_by_pidfd(pidfd: int, number: int = SIGKILL) -> None:
    """Signals exactly that process: a pid may have been given to another one meanwhile."""
    try:
        _signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        pass


def kill_group(pidfd: int, pid: int) -> None:
    """Kills the process group that a child leads or led, by its fd where the kernel can.

    Else by its number, as long as that is the child's: the program around us may have reaped it (it ignores SIGCHLD, or
    waits for any child), and then the number may be that of others.
    """
    try:
        _signal.pidfd_send_signal(pidfd, SIGKILL, None, _PROCESS_GROUP)
    except (ProcessLookupError, PermissionError):
        pass  # nobody else is in it, or only what a set-uid program made
    except OSError:
        try:
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            os.killpg(pid, SIGKILL)
        except (ChildProcessError, ProcessLookupError, PermissionError):
            pass


def reap(pidfd: int) -> int | None:
    """The exit status of a child that has ended, as os.waitstatus_to_exitcode has it; None: somebody else has it."""
    try:
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return None
    assert ended is not None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def reap_orphans(kind: int, number: int) -> None:
    """Reaps what a jailer left, where the program around us inherits orphans: PID 1 of a container, a subreaper.

    Of a group (P_PGID) or of one process (P_PIDFD); all of it has been killed.
    """
    until = time.monotonic() + _DYING_S
    try:
        while os.waitid(kind, number, os.WEXITED | os.WNOHANG) is not None or time.monotonic() < until:
            time.sleep(0.0005)
    except ChildProcessError:
        pass  # there is none: as nearly always


def status_of(pid: int) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    return dict(line.split(":\t", 1) for line in lines_of(f"/proc/{pid}/status") if ":\t" in line)


def fields_of(status: str, names: Iterable[str]) -> dict[str, str]:
    """Some of the fields that the text of a /proc/PID/status has. A name of a process holds no line feed there."""
    found: dict[str, str] = {}
    for name in names:
        start = status.find(f"\n{name}:\t")
        if start >= 0:
            start += len(name) + 3
            found[name] = status[start : status.index("\n", start)]
    return found


def first_process(pid: int) -> int:
    """The PID 1 of the process namespace that `pid` lives in, as we see it; `pid` itself where that is ours too."""
    each = pid
    while True:
        status = fields_of(read_text(f"/proc/{each}/status"), ("NSpid", "PPid"))
        inner = status["NSpid"].split()
        if len(inner) < 2:
            return pid
        if inner[-1] == "1":
            return each
        each = int(status["PPid"])


def start_time(pid: int) -> str | None:
    """When the process started, in ticks since boot (field 22 of /proc/PID/stat): with its pid, its identity."""
    try:
        return read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()[19]
    except OSError:
        return None


def lines_of(path: str) -> list[str]:
    """The lines of a file of /proc. Names in it can hold what `splitlines` takes for the end of a line."""
    return [line for line in read_text(path).split("\n") if line]


def read_text(path: str) -> str:
    """A file of /proc. Its bytes may be the job's own (a name): they survive as surrogates."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces: list[bytes] = []
        while piece := os.read(fd, 65536):
            pieces.append(piece)
    finally:
        os.close(fd)
    return os.fsdecode(b"".join(pieces))
