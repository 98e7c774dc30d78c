"""Nothing outlives the suite: no process that a test started, no directory or control group of a job.

Checked once, at the very end.
"""

from __future__ import annotations

import ctypes
import os
import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

PR_SET_CHILD_SUBREAPER = 36
OURS = re.compile(r"sandbox-\d+-(\d+)-")
PATIENCE_S = 5  # the kernel needs a moment to empty a jail


class Leftovers:
    """A plugin of the process that leads the run; workers don't have it."""

    def __init__(self) -> None:
        self.before = scratches()
        # A process whose parent is gone becomes a child of this one, so ours can be told from everybody else's.
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")

    @pytest.hookimpl(trylast=True)  # once the workers are gone
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while left := sorted(scratches() - self.before) + processes():
            if time.monotonic() > deadline:
                fail(session, "left behind by the tests:\n" + "\n".join(left))
                break
            time.sleep(0.05)


def scratches() -> set[str]:
    """Directories and groups of jobs (sandbox-UID-PID-...) but for those of a living supervisor: somebody else's, or
    reported."""
    found: set[str] = set()
    groups = [Path(folder, name) for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names]
    for path in [*Path(tempfile.gettempdir()).glob("sandbox-*"), *(each for each in groups if OURS.match(each.name))]:
        supervisor = OURS.match(path.name)
        if supervisor is None or not Path("/proc", supervisor[1]).exists():
            found.add(str(path))
    return found


def processes() -> list[str]:
    """Our children that still run, each as its pid and command line."""
    found: list[str] = []
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text().split():
            try:
                state = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
                words = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if state == "Z":
                _reap(int(pid))
            else:
                found.append(f"process {pid}: {words.decode(errors='replace')}")
    return found


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def fail(session: pytest.Session, text: str) -> None:
    """An error in the summary, as if a test of its own had failed."""
    file, name = "tests/leftovers.py", "nothing_outlives_the_suite"
    report = pytest.TestReport(f"{file}::{name}", (file, None, name), {}, "failed", text, "teardown")
    terminal: TerminalReporter | None = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.stats.setdefault("error", []).append(report)
    session.exitstatus = pytest.ExitCode.TESTS_FAILED
