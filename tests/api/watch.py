"""What a job may leave behind in the process that started it, and on the machine."""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 5


def found() -> set[str]:
    """Threads, fds, child processes, scratch directories and control groups of this process."""
    pid = os.getpid()
    threads = {f"thread {thread.name}" for thread in threading.enumerate() if thread.name.startswith("sandbox")}
    fds = {f"fd {entry} {_target(entry)}" for entry in os.listdir("/proc/self/fd")}
    children = {
        f"child {each}" for task in Path("/proc/self/task").iterdir() for each in _text(task / "children").split()
    }
    named = f"sandbox-{os.geteuid()}-{pid}-"
    scratch = {str(path) for path in Path("/tmp").iterdir() if path.name.startswith(named)}
    groups = {
        folder for top in Path("/sys/fs/cgroup").iterdir() if top.is_dir()
        for folder, _, _ in os.walk(top) if f"-{pid}-" in os.path.basename(folder)
    }  # fmt: skip
    return threads | {fd for fd in fds if "/fd" not in fd.split()[-1]} | children | scratch | groups


@contextmanager
def left_over() -> Iterator[Callable[[], list[str]]]:
    """What was not there before."""
    before = found()

    def left() -> list[str]:
        until = time.monotonic() + PATIENCE_S
        while (more := sorted(found() - before)) and time.monotonic() < until:
            time.sleep(0.05)
        return more

    yield left


def _target(fd: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        return "/fd"  # the one of the listing itself


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
