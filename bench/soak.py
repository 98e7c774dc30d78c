"""Whether anything grows: many jobs in one process, one after another and side by side.

    python bench/soak.py [JOBS] [BACKEND]       the rows of docs/limits.md, for this account

Looked at before and after: resident memory and open fds of the process, control groups, mounts, entries of /tmp and
processes of the host; and the time of a job in the first fifth and in the last, beside that of a bare `true`, which is
started before each of them: what the machine does meanwhile slows both.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox_cli import plan
from sandbox_cli.run import execute

if TYPE_CHECKING:
    from sandbox_cli.plan.model import Plan

WORK: Any = {
    "id": "soak", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None, "stdout": None,
    "stderr": None, "capture": 1 << 16, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip
SIDE_BY_SIDE = 8


def look() -> dict[str, int]:
    """What must not grow."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return {
        "RSS, KiB": resident >> 10,
        "fds": len(os.listdir("/proc/self/fd")),
        "groups": sum(name.startswith("sandbox-") for _, names, _ in os.walk("/sys/fs/cgroup") for name in names),
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "scratch directories": sum(name.startswith("sandbox-") for name in os.listdir("/tmp")),
    }


def bare() -> float:
    """Seconds that a program takes without a jail."""
    began = time.perf_counter()
    os.waitpid(os.posix_spawn("/usr/bin/true", ["true"], {}), 0)
    return time.perf_counter() - began


def soak(compiled: Plan, jobs: int, workers: int) -> tuple[dict[str, int], dict[str, int], array[float], array[float]]:
    """What there was before and after, and what each job and each bare program took, in the order of their ends."""
    times, yardstick, lock = array("d"), array("d"), threading.Lock()

    def work(share: int) -> None:
        # One thread for all of its jobs: a jailer dies with the thread that started it.
        for _ in range(share):
            measure = bare()
            began = time.perf_counter()
            outcome = execute(compiled, WORK)
            taken = time.perf_counter() - began
            if outcome["status"] != "ok":
                os.write(2, f"a job ended with {outcome['status']}: {outcome['cause']}\n".encode())
                os._exit(1)
            with lock:
                times.append(taken)
                yardstick.append(measure)

    def all_at_work(count: int) -> None:
        threads = [threading.Thread(target=work, args=(count // workers,)) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    all_at_work(50 * workers)
    del times[:], yardstick[:]
    before = look()
    all_at_work(jobs)
    return before, look(), times, yardstick


def fifths(times: array[float]) -> tuple[float, float]:
    """Medians of the first fifth and of the last, in ms."""
    fifth = max(1, len(times) // 5)
    return statistics.median(times[:fifth]) * 1000, statistics.median(times[-fifth:]) * 1000


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    backend = sys.argv[2] if len(sys.argv) > 2 else "bwrap"
    compiled = plan.compile({"command": ["/usr/bin/true"], "backend": backend})
    for workers in (1, SIDE_BY_SIDE):
        before, after, times, yardstick = soak(compiled, jobs, workers)
        (first, last), (bare_first, bare_last) = fifths(times), fifths(yardstick)
        grown = ", ".join(f"{name} {before[name]} -> {after[name]}" for name in before)
        row = [
            f"{backend}, uid {os.getuid()}",
            workers,
            jobs,
            f"{first:.1f}",
            f"{last:.1f}",
            f"{bare_first:.2f}",
            f"{bare_last:.2f}",
            f"{(last / bare_last) / (first / bare_first) - 1:+.1%}",
            grown,
        ]
        print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
