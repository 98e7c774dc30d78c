"""How near to the truth `usage` is: jobs that know what they use, as measured on each backend.

    python bench/accuracy.py            the rows of docs/limits.md, for this account

A test holds the same loads to the bounds that the page states.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from sandbox_cli import plan
from sandbox_cli.errors import SandboxError
from sandbox_cli.run import execute

BACKENDS = ("bwrap", "nsjail", "firejail")
WORK: Any = {
    "id": "bench", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None, "stdout": None,
    "stderr": None, "capture": 1 << 20, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip

SPENT = """
import resource
print(sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
"""
# name: (the field of usage, the program); its last line says what it really used.
LOADS = {
    "0.5 s CPU, one process": ("cpu_time_s", "import time\nwhile time.process_time() < 0.5: pass" + SPENT),
    "0.5 s CPU, 8 children": (
        "cpu_time_s",
        """
import os, time
for _ in range(8):
    if os.fork() == 0:
        began = time.process_time()
        while time.process_time() - began < 0.0625: pass
        os._exit(0)
for _ in range(8): os.wait()
"""
        + SPENT,
    ),
    "0.5 s CPU, 4 threads": (
        "cpu_time_s",
        """
import threading, time
def burn():
    while time.process_time() < 0.5: sum(range(2000))
threads = [threading.Thread(target=burn) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
"""
        + SPENT,
    ),
    "200 MiB touched": (
        "memory_peak_bytes",
        "import time\nheld = b'x' * (200 << 20)\ntime.sleep(0.4)\nprint(len(held))",
    ),
    "20 processes": (
        "processes_peak",
        """
import os, time
for _ in range(19):
    if os.fork() == 0:
        time.sleep(0.6)
        os._exit(0)
time.sleep(0.6)
print(20)
""",
    ),
}


def error(backend: str, name: str) -> tuple[float, str]:
    """How far the figure is off, as a part of the truth, and who measured it. Raises SandboxError."""
    field, code = LOADS[name]
    limits = {"memory": "1GiB", "processes": "64", "cpu_time": "30s", "wall_time": "60s"}
    command = ["/usr/bin/python3", "-ISc", code]
    outcome: Any = execute(plan.compile({"command": command, "backend": backend, "limits": limits}), WORK)
    if outcome["status"] != "ok":
        raise SystemExit(f"{backend}: {outcome['cause']}: {outcome['stderr'].decode(errors='replace')}")
    truth, usage = float(outcome["stdout"]), outcome["usage"]
    return (usage[field] or 0) / truth - 1, usage["measured_by"].get(field, "nobody")


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
