"""The few things that the run asks of the kernel, without the modules that cost milliseconds to import.

`signal` and `socket` build enums when they are imported (5 ms each); the C modules beneath them don't.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal

SIGHUP, SIGKILL, SIGPIPE, SIGCONT, SIGXCPU, SIGXFSZ, SIGSYS = 1, 9, 13, 18, 24, 25, 31

SIGNALS: dict[str, int] = {
    name: number for name, number in vars(_signal).items() if name.startswith("SIG") and not name.startswith("SIG_")
}
_ALIASES = {"SIGIOT", "SIGCLD", "SIGPOLL"}
_NAMES = {number: name for name, number in SIGNALS.items() if name not in _ALIASES and not name.startswith("SIGRT")}


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


def status_of(pid: int) -> dict[str, str]:
    """The fields of /proc/PID/status."""
    return dict(line.split(":\t", 1) for line in lines_of(f"/proc/{pid}/status") if ":\t" in line)


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


def close(*fds: int | None) -> None:
    """Closes those that are open; one that was never opened is None."""
    for fd in fds:
        if fd is not None:
            os.close(fd)
