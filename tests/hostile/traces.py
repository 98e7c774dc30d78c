"""What a job left on the host: processes, scratch, control groups, mounts. And how long the machine stood still."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MARK = "SANDBOX_HOSTILE"  # in the job's environment, and so in that of all its processes
TICK_S = 0.01


class Traces:
    """Taken before a job of the supervisor `pid`; `left()` is what is there since, and should not be."""

    def __init__(self, pid: int, token: str) -> None:
        self._pid, self._mark = pid, f"{MARK}={token}".encode()
        self._before = set(self._lasting())

    @property
    def environment(self) -> bytes:
        return self._mark

    def left(self, patience_s: float) -> list[str]:
        deadline = time.monotonic() + patience_s
        while found := sorted({*self._processes(), *(set(self._lasting()) - self._before)}):
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        return found

    def _processes(self) -> Iterator[str]:
        """The job's own, wherever they hang, and the jailer's, which are the supervisor's children."""
        for folder in Path("/proc").glob("[0-9]*"):
            if self._mark in _text(folder / "environ"):
                yield f"process {folder.name}: {_text(folder / 'cmdline')!r}"
        for task in Path("/proc", str(self._pid), "task").glob("*/children"):
            for child in _text(task).split():
                yield f"child {child.decode()}: {_text(Path('/proc', child.decode(), 'comm'))!r}"

    def _lasting(self) -> Iterator[str]:
        own = re.compile(rf"sandbox-\d+-{self._pid}-")  # the names of others hold their supervisor's pid
        yield from (str(path) for path in [*Path("/tmp").glob("sandbox-*"), *_groups()] if own.match(path.name))
        for line in _text(Path("/proc", str(self._pid), "mountinfo")).decode().splitlines():
            if "sandbox" in line or "jail" in line:
                yield f"mount {line}"
        for segment in _text(Path("/proc/sysvipc/shm")).decode().splitlines()[1:]:
            key, number, _, _, maker, *_ = segment.split()
            # What other tests have on the host for jobs to miss has a key, or a maker that lives.
            if key == "0" and not Path("/proc", maker).exists():
                yield f"shared memory {number}"
        yield from (f"in /run/sandbox/scratch: {path.name}" for path in Path("/run/sandbox/scratch").glob("*"))


def _groups() -> Iterator[Path]:
    """Control groups of jobs, in every hierarchy that is mounted."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mounted, _, rest = line.partition(" - ")
        if rest.startswith("cgroup"):
            yield from (Path(each) for each, _, _ in os.walk(mounted.split()[4]) if _is_group(each))


def _is_group(path: str) -> bool:
    name = os.path.basename(path)
    return name.startswith("sandbox-") and not name.endswith(".scope")  # a scope is its supervisor's, and ends with it


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""  # it ended meanwhile


class Clock:
    """A thread that wakes every 10 ms, as anything else on this machine would want to: `slip_s` is its worst delay."""

    def __init__(self) -> None:
        self.slip_s = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._tick)

    def measure(self, what: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        self._thread.start()
        try:
            return what()
        finally:
            self._end.set()
            self._thread.join()

    def _tick(self) -> None:
        due = time.monotonic() + TICK_S
        while not self._end.wait(max(0.0, due - time.monotonic())):
            now = time.monotonic()
            self.slip_s = max(self.slip_s, now - due)
            due = now + TICK_S
