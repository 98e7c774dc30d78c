"""What it takes to look at 100,000 files that a job left, beside a bare walk over the same files.

    python bench/collect.py [NUMBER]      the table of docs/performance.md

`walk` looks at each name (scandir, lstat) and keeps nothing; `read` opens, reads and hashes each file, too. What
`collect` does beside that is bounds, globs, and results. `growth` is of the peak of this process's memory.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

from sandbox_cli.run import artifacts

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 5
PLACE = "/dev/shm"  # scratch is a tmpfs nearly everywhere


def walk(top: str) -> None:
    for folder, _, names in os.walk(top):
        for name in names:
            os.lstat(os.path.join(folder, name))


def read(top: str) -> None:
    for folder, _, names in os.walk(top):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                hashlib.sha256(file.read()).hexdigest()


def collect(top: str, max_files: int, glob: str = "**") -> None:
    fd = os.open(top, os.O_RDONLY)
    wanted: Any = {"collect": [glob], "max_files": max_files, "max_bytes": 64 << 20}
    try:
        artifacts.collect(fd, wanted, {}, None, None)
    finally:
        os.close(fd)


def peak_kib() -> int:
    with open("/proc/self/status") as status:
        [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1])


def measured(job: Callable[[], None]) -> tuple[float, int]:
    """Seconds of the median round, and KiB by which the peak grew in the first."""
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    before, took, growth = peak_kib(), [], 0
    for number in range(ROUNDS):
        began = time.perf_counter()
        job()
        took.append(time.perf_counter() - began)
        growth = peak_kib() - before if number == 0 else growth
    return statistics.median(took), growth


def main(number: int) -> None:
    top = tempfile.mkdtemp(dir=PLACE)
    try:
        for index in range(number):
            with open(f"{top}/{index:06}.txt", "wb") as file:
                file.write(b"x" * 100)
        bare, _ = measured(lambda: walk(top))
        whole, _ = measured(lambda: read(top))
        print(f"walk {bare:.2f} s, read {whole:.2f} s")
        print("| returned | s | beside | ratio | growth, MiB |\n| --- | --: | --- | --: | --: |")
        for what, job, beside, name in (
            ("1000, and 1000 named", lambda: collect(top, 1000), bare, "walk"),
            ("nothing: no glob fits", lambda: collect(top, 1000, "*.png"), bare, "walk"),
            ("all", lambda: collect(top, number), whole, "read"),
        ):
            took, growth = measured(job)
            print(f"| {what} | {took:.2f} | {name} | {took / beside:.1f} | {growth / 1024:.0f} |")
    finally:
        shutil.rmtree(top)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
