"""How near to the truth `usage` is: jobs whose use is known, as measured on each backend.

    python bench/accuracy.py            the rows of docs/limits.md, for this account

A test holds the same loads to the bounds that the page states.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from sandbox_cli import plan, run
from sandbox_cli.errors import SandboxError

BACKENDS = ("bwrap", "nsjail", "firejail")
WORK: Any = {
    "id": "bench", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None, "stdout": None,
    "stderr": None, "capture": 1 << 20, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip
MIB = 1 << 20

# name: (the field of usage, what it really is, the program)
LOADS: dict[str, tuple[str, float, str]] = {
    "0.5 s CPU, one process": ("cpu_time_s", 0.5, "import time\nwhile time.process_time() < 0.5: pass"),
    "0.5 s CPU, 8 children": (
        "cpu_time_s",
        0.5,
        """
import os, time
for _ in range(8):
    if os.fork() == 0:
        began = time.process_time()
        while time.process_time() - began < 0.0625: pass
        os._exit(0)
for _ in range(8): os.wait()
""",
    ),
    "0.5 s CPU, 4 threads": (
        "cpu_time_s",
        0.5,
        """
import threading, time
def burn():
    while time.process_time() < 0.5: sum(range(2000))
threads = [threading.Thread(target=burn) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
""",
    ),
    "200 MiB touched": ("memory_peak_bytes", 200 * MIB, "import time\nheld = b'x' * (200 << 20)\ntime.sleep(0.3)"),
    "20 processes": (
        "processes_peak",
        20,
        """
import os, time
for _ in range(19):
    if os.fork() == 0:
        time.sleep(0.5)
        os._exit(0)
time.sleep(0.5)
""",
    ),
}
# What Python and the loop itself take beside the load, so that the error is the measurement's.
START = "import os; os.sched_yield()"


def measure(backend: str, code: str) -> dict[str, Any]:
    """The usage of a program of Python's. Raises SandboxError where it can't be run."""
    limits = {"memory": "1GiB", "processes": "64", "cpu_time": "30s", "wall_time": "60s"}
    command = ["/usr/bin/python3", "-ISc", code]
    outcome: Any = run.execute(plan.compile({"command": command, "backend": backend, "limits": limits}), WORK)
    if outcome["status"] != "ok":
        raise SystemExit(f"{backend}: {outcome['cause']}: {outcome['stderr'].decode(errors='replace')}")
    found: dict[str, Any] = outcome["usage"]
    return found


def error(backend: str, name: str) -> tuple[float, str]:
    """How far the figure is off, as a part of the truth, and who measured it."""
    field, truth, code = LOADS[name]
    idle, used = measure(backend, START), measure(backend, code)
    beside = idle[field] or 0 if field != "processes_peak" else 0
    return ((used[field] or 0) - beside) / truth - 1, used["measured_by"].get(field, "nobody")


def main() -> None:
    print(f"| load (uid {os.getuid()}) | {' | '.join(BACKENDS)} |")
    print(f"| --- |{' --- |' * len(BACKENDS)}")
    for name in LOADS:
        cells = []
        for backend in BACKENDS:
            try:
                off, by = error(backend, name)
            except SandboxError as problem:
                print(f"{backend} is left out: {problem}", file=sys.stderr)
                cells.append("-")
            else:
                cells.append(f"{off:+.1%} ({by})")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
