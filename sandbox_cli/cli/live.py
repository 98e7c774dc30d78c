"""The live line: how long a job has run, and what it uses of its limits, on a terminal that nobody else writes to."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox_cli.run.limits import amounts
from sandbox_cli.run.streams import in_foreground

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from sandbox_cli.plan.model import Limit
    from sandbox_cli.run.limits import Measured
    from sandbox_cli.run.live import Show

_WIDTH = 80  # of a terminal that doesn't know its own
ERASE = b"\r\x1b[K"


@contextmanager
def live_line(*, json: bool, relayed: bool) -> Generator[Show | None]:
    """What a run is to tell how it is doing; None where that is not to be seen, or would be in the way.

    `relayed`: the terminal is the job's, for as long as it runs.
    """
    fd = None if relayed or is_in_the_way(json=json) else terminal()
    try:
        yield None if fd is None else _Line(fd)
    finally:
        if fd is not None:
            os.close(fd)


def words(seen: Measured, limits: Mapping[str, Limit]) -> str:
    """`running 12s of 1min, CPU 11.8s of 10s, memory 120MiB of 512MiB`: what was measured, against what is allowed."""
    parts = [
        ("running", "wall_time", f"{int(seen['wall_time_s'])}s"),
        ("CPU", "cpu_time", f"{seen['cpu_time_s']:.1f}s" if "cpu_time_s" in seen else None),
        ("memory", "memory", amounts.size(seen["memory_peak_bytes"]) if "memory_peak_bytes" in seen else None),
    ]
    return ", ".join(f"{word} {used}{_of(name, limits)}" for word, name, used in parts if used is not None)


def _of(name: str, limits: Mapping[str, Limit]) -> str:
    from sandbox_cli.policy import units

    return f" of {units.format_limit(name, limits[name]['value'])}" if name in limits else ""


class _Line:
    """One line that is drawn over itself, and taken away without a trace."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __call__(self, seen: Measured | None, limits: Mapping[str, Limit]) -> None:
        if not in_foreground(self._fd):
            return  # a shell may have the terminal, and writing there may stop us
        line = f"sandbox: {words(seen, limits)}" if seen is not None else ""
        try:
            width = os.get_terminal_size(self._fd).columns or _WIDTH
            os.write(self._fd, ERASE + line[: width - 1].encode())  # a line that wraps could not be taken back
        except OSError:
            return  # it is stopped (Ctrl-S), or gone: nobody misses the line


def is_in_the_way(*, json: bool) -> bool:
    """Whoever takes our output from a pipe may write on the same terminal; a result they get only at its end."""
    kind = os.fstat(1).st_mode
    return os.environ.get("TERM", "dumb") == "dumb" or (not json and (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)))


def terminal() -> int | None:
    """Standard error opened once more, so that it never blocks us; None where it is no terminal of ours."""
    if not os.isatty(2):
        return None
    try:
        return os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None
