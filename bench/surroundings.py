"""What the mounts over /proc and the filter add to a start.

    python bench/surroundings.py [ROUNDS]       prints the table of docs/performance.md

For each backend, of `true` under the policy `command`: the raw jailer as the plan renders it beside the same without
what it mounts in /proc, and `run.execute` beside the same with a filter of one instruction. One after the other, round
by round, so that a machine whose speed drifts slows all of them down alike. The figures are of the first decile of the
rounds, which what else the machine does moves least.
"""

from __future__ import annotations

import re
import statistics
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

from start import BACKENDS, PROGRAMS, WORK, made_scratch, raw

from sandbox_cli import plan
from sandbox_cli.errors import SandboxError
from sandbox_cli.run import execute

if TYPE_CHECKING:
    from collections.abc import Callable

# On a busy machine start it with a real-time priority (chrt -r 20), or it measures the others.
PROGRAM = PROGRAMS["true"]
ALLOW_ALL = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)  # BPF_RET | BPF_K, SECCOMP_RET_ALLOW
# A mount in /proc as each jailer is told of it, in its arguments or its config.
MOUNTS = (
    r"(--perms\n\d+\n)?(--size\n\d+\n)?--(ro-bind\n[^\n]+|ro-bind-data\n\d+|tmpfs)\n/proc/[^\n]+\n",
    r'mount \{[^\n]*dst: "/proc/[^\n]*\n',
    r"blacklist /proc/[^\n]*\n",
)


def without_mounts(compiled: dict[str, Any]) -> dict[str, Any]:
    def strip(text: str) -> str:
        for pattern in MOUNTS:
            text = re.sub(pattern, "", text)
        return text

    argv = strip("\n".join(compiled["argv"])).split("\n")
    data = [strip(piece.decode()).encode() for piece in compiled["data"]]
    assert (argv, data) != (compiled["argv"], compiled["data"]), "no mount in /proc was found"
    return {**compiled, "argv": argv, "data": data}


def measure(jobs: list[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Milliseconds of each job in each round."""
    times: list[list[float]] = [[] for _ in jobs]
    for _ in range(rounds):
        for job, found in zip(jobs, times, strict=True):
            began = time.perf_counter()
            job()
            found.append((time.perf_counter() - began) * 1000)
    return times


def row(backend: str, rounds: int) -> str:
    compiled: Any = plan.compile({"command": PROGRAM, "backend": backend, "policy": "command"})
    scratch = made_scratch()
    unfiltered = {**compiled, "filter": ALLOW_ALL}
    times = measure(
        [
            raw(without_mounts(compiled), PROGRAM, scratch),
            raw(compiled, PROGRAM, scratch),
            lambda: execute(unfiltered, WORK),
            lambda: execute(compiled, WORK),
        ],
        rounds,
    )
    bare, mounted, plain, filtered = (statistics.quantiles(each, n=10)[0] for each in times)
    cells = [
        f"{bare:.1f}",
        f"{mounted - bare:+.2f}",
        f"{mounted / bare:.2f}",
        f"{plain:.1f}",
        f"{filtered - plain:+.2f}",
    ]
    return " | ".join(["", backend, *cells, f"{filtered / plain:.2f}", ""]).strip()


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    print("| backend | raw jailer, no mounts in /proc | with them | ratio | run, no filter | with it | ratio |")
    print("| --- | --: | --: | --: | --: | --: | --: |")
    for backend in BACKENDS:
        try:
            print(row(backend, rounds))
        except SandboxError as error:
            print(f"{backend} is left out: {error}", file=sys.stderr)
