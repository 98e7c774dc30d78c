"""What 1 GiB of output costs: how fast it goes through, beside the raw jailer's own pipe, and how much memory it takes.

    python bench/stream.py [ROUNDS]      the table of docs/performance.md

For each backend: `raw` is the jailer with the very arguments that the plan renders, and its pipe is read by us;
`piped` is `sandbox exec` into the same reader, `json` is `sandbox exec --json`. The supervisor is looked at from
outside: what it has in memory when the job starts, and the most that it had from then until its end.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil
from start import BACKENDS, made_scratch, raw

from sandbox_cli import plan
from sandbox_cli.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 1 << 30
PIECE = 65536
SLEEP_S = 0.5  # before the first byte: in it the supervisor is looked at
LIMITS = ("output=2GiB", "wall_time=2min", "cpu_time=2min")
CAPTURE_KIB = 1024  # what --capture keeps if nothing is said
ROOM_KIB = 2048  # that the supervisor may take beside it
WRITE = f"import os\nblock = b'x' * {PIECE - 1} + b'\\n'\nfor _ in range({SIZE // PIECE}): os.write(1, block)"
PROGRAM = ["/bin/sh", "-c", f'sleep {SLEEP_S}; exec /usr/bin/python3 -IS -c "$0"', WRITE]


class Sample(NamedTuple):
    seconds: float
    growth_kib: int = 0  # of the supervisor


def drained(fd: int, pid: int | None = None) -> tuple[float, int]:
    """Seconds from the first byte to the last, and the most that `pid` had in memory until then."""
    began, left, peak = 0.0, SIZE, 0
    while left and (piece := os.read(fd, PIECE)):
        began = began or time.perf_counter()
        left -= len(piece)
        if pid is not None and left % (64 * PIECE) < PIECE:
            peak = memory_kib(pid, "VmHWM") or peak
    if left:
        raise SystemExit(f"{left} bytes are missing")
    return time.perf_counter() - began, peak


def without(backend: str) -> Sample:
    compiled: Any = plan.compile({"command": PROGRAM, "backend": backend, "policy": "command"})
    source, sink = os.pipe2(os.O_CLOEXEC)
    job = threading.Thread(target=raw(compiled, PROGRAM, made_scratch(), sink))
    job.start()
    seconds, _ = drained(source)
    job.join()
    os.close(source)
    os.close(sink)
    return Sample(seconds)


def piped(backend: str) -> Sample:
    with started(backend) as process:
        before = memory_kib(process.pid, "VmRSS")
        assert process.stdout is not None
        seconds, peak = drained(process.stdout.fileno(), process.pid)
    return Sample(seconds, peak - before)


def as_json(backend: str) -> Sample:
    with started(backend, "--json") as process:
        before = peak = memory_kib(process.pid, "VmRSS")
        assert process.stdout is not None
        told = bytearray()
        while piece := os.read(process.stdout.fileno(), PIECE):
            told += piece
            peak = memory_kib(process.pid, "VmHWM") or peak
    result: dict[str, Any] = json.loads(told)
    if (result["status"], result["stdout_bytes"]) != ("ok", SIZE):
        raise SystemExit(f"{backend}: {result['status']}, {result['stdout_bytes']} bytes: {result['cause']}")
    return Sample(result["usage"]["wall_time_s"] - SLEEP_S, peak - before)


def started(backend: str, *options: str) -> subprocess.Popen[bytes]:
    """The command, whose job sleeps; the kernel keeps the peak of its memory from here on."""
    words = [word for limit in LIMITS for word in ("--limit", limit)]
    command = [sys.executable, "-m", "sandbox_cli", "exec", "-b", backend, *words, *options, "--", *PROGRAM]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    while not sleeps_below(process.pid):
        time.sleep(0.005)
    time.sleep(SLEEP_S / 4)
    with open(f"/proc/{process.pid}/clear_refs", "w") as marks:
        marks.write("5")
    return process


def sleeps_below(pid: int) -> bool:
    try:
        return any(each.name() == "sleep" for each in psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:  # one of them, while it was looked at
        return False


def memory_kib(pid: int, field: str) -> int:
    """0 where it has ended."""
    with open(f"/proc/{pid}/status") as status:
        return next((int(line.split()[1]) for line in status if line.startswith(f"{field}:")), 0)


def main(rounds: int) -> None:
    ways: dict[str, Callable[[str], Sample]] = {"raw": without, "piped": piped, "json": as_json}
    print("| backend | raw jailer, MiB/s | piped | ratio | `--json` | ratio | growth piped, KiB | growth `--json` |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    worst = 0
    for backend in BACKENDS:
        try:
            samples = {name: [way(backend) for _ in range(rounds)] for name, way in ways.items()}
        except SandboxError as error:
            print(f"{backend} is left out: {error}", file=sys.stderr)
            continue
        rate = {name: (SIZE >> 20) / statistics.median(each.seconds for each in samples[name]) for name in ways}
        growth = {name: max(each.growth_kib for each in samples[name]) for name in ways}
        worst = max(worst, *growth.values())
        print(
            f"| {backend} | {rate['raw']:.0f} | {rate['piped']:.0f} | {rate['piped'] / rate['raw']:.2f} "
            f"| {rate['json']:.0f} | {rate['json'] / rate['raw']:.2f} | {growth['piped']} | {growth['json']} |"
        )
    if worst > CAPTURE_KIB + ROOM_KIB:
        raise SystemExit(f"the supervisor grew by {worst} KiB, more than {CAPTURE_KIB + ROOM_KIB}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 5)
