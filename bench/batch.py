"""What `sandbox batch` adds to many jobs, beside a loop in C that starts the very same things without us.

    python bench/batch.py                  the tables of docs/performance.md, after half an hour or more
    python bench/batch.py --quick          a first impression, in two minutes
    python bench/batch.py --only python -j 4 --backend nsjail --jobs 500

For an ordinary user the loop does what the run does: the jailer with the launcher on both sides, the message, the gate.
As root it gives each job a scratch, an account and a control group, too. What each of these takes is told by loops that
leave the later ones out. What only the batch does is what is measured: the seal, output, usage, limits, results.

All take turns in rounds, each with the same number of jobs and as many at once, so that what the machine does
meanwhile slows all down alike; a ratio is the median of those of the rounds. One process of `sandbox batch` has all of
its rounds, and waits for more lines in between; what it has in memory is looked at after each.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from recorded import FORMS, Loop, Ran

from sandbox_cli import plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

# Of each kind the job, which the batch and the loop run with the very same words. The loop puts no file into scratch.
KINDS: dict[str, dict[str, object]] = {
    "true": {"command": ["/usr/bin/true"], "policy": "command"},
    "python": {"command": ["python3", "-B", "-c", "print(1)"], "policy": "python"},
}
LINES = {kind: json.dumps(job).encode() + b"\n" for kind, job in KINDS.items()}
JOBS = {"true": 100_000, "python": 10_000}
QUICK = {"true": 2000, "python": 500}
MARKS = (100, 1000, 10_000, 100_000)
ROUND = 200  # jobs at most; and five of them at least up to each mark
EXPLAINED_BY = 5  # times fewer jobs are enough for the loops that nothing is held against
GOAL, DRIFT, GROWTH_MIB = 0.95, 0.10, 10
PIPE = 1 << 20  # room for the lines of a round


class Batch:
    """One `sandbox batch`, which is given its lines round by round."""

    def __init__(self, side_by_side: int, backend: str) -> None:
        source, self._lines = os.pipe2(os.O_CLOEXEC)
        fcntl.fcntl(self._lines, fcntl.F_SETPIPE_SZ, PIPE)
        command = [sys.executable, "-m", "sandbox_cli", "batch", "-q", "-j", str(side_by_side), "-b", backend]
        self._process = subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE)
        os.close(source)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, line: bytes, jobs: int) -> Ran:
        """Returns when the last result has come."""
        before, began = self._cpu_s(), time.perf_counter()
        if os.write(self._lines, line * jobs) < len(line) * jobs:
            raise SystemExit("a round is longer than a pipe")
        self._read(jobs)
        took, after = time.perf_counter() - began, self._cpu_s()
        return Ran(took, after[0] - before[0], after[1] - before[1])

    def end(self) -> None:
        os.close(self._lines)
        if self._process.wait() != 0:
            raise SystemExit(f"the batch ended with {self._process.returncode}")

    def memory_mib(self, field: str) -> float:
        with open(f"/proc/{self._process.pid}/status") as status:
            kib = next(int(line.split()[1]) for line in status if line.startswith(f"{field}:"))
        return kib / 1024

    def _cpu_s(self) -> tuple[float, float]:
        """Its own, and that of the children that it has reaped."""
        with open(f"/proc/{self._process.pid}/stat") as stat:
            ticks = list(map(int, stat.read().rpartition(")")[2].split()[11:15]))
        return sum(ticks[:2]) / os.sysconf("SC_CLK_TCK"), sum(ticks[2:]) / os.sysconf("SC_CLK_TCK")

    def _read(self, jobs: int) -> None:
        assert self._process.stdout is not None
        rest = b""
        while jobs and (piece := os.read(self._process.stdout.fileno(), PIPE)):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:  # not parsed: that would take the time that is measured
                if b'"status": "ok"' not in line and b'"status":"ok"' not in line:
                    raise SystemExit(f"a job failed: {line[:1000].decode()}")
            jobs -= len(lines)
        if jobs or rest:
            raise SystemExit(f"{jobs} results are missing")


class Round(NamedTuple):
    jobs: int
    ran: dict[str, Ran]  # by form, and the batch
    fewer: int  # jobs of the loops that only explain
    resident_mib: float
    peak_mib: float

    def ms(self, name: str, base: str) -> float:
        return self.ran[name].seconds * 1000 / (self.jobs if name in (base, "batch") else self.fewer)


def sizes(jobs: int) -> Iterator[int]:
    """Of the rounds, which end where a mark is."""
    done = 0
    while done < jobs:
        until = min([jobs, *(mark for mark in MARKS if mark > done)])
        count = min(ROUND, max(until // 5, 1), until - done)
        yield count
        done += count


def rounds(kind: str, jobs: int, side_by_side: int, backend: str) -> tuple[list[Round], list[str], float]:
    """Them, the forms of the loop, the last of which does what the batch does, and seconds to the first result."""
    job: Any = {**KINDS[kind], "backend": backend}
    compiled = plan.compile(job)
    found: list[Round] = []
    with Loop(compiled, side_by_side) as loop, Batch(side_by_side, backend) as batch:
        base = loop.forms[-1]
        first = batch.run(LINES[kind], 1)
        loop.run(base, side_by_side)
        for count in sizes(jobs):
            fewer = max(count // EXPLAINED_BY, side_by_side)
            ran: dict[str, Ran] = {}
            for name in ["batch", *loop.forms][:: -1 if len(found) % 2 else 1]:
                if name == "batch":
                    ran[name] = batch.run(LINES[kind], count)
                else:
                    ran[name] = loop.run(name, count if name == base else fewer)
            found.append(Round(count, ran, fewer, batch.memory_mib("VmRSS"), batch.memory_mib("VmHWM")))
            progress(kind, found, base)
        batch.end()
    return found, loop.forms, first.seconds


def progress(kind: str, found: Sequence[Round], base: str) -> None:
    if sys.stderr.isatty():
        done = sum(each.jobs for each in found)
        last = found[-1]
        print(
            f"\r{kind}: {done} jobs, {last.ms('batch', base):.2f} ms, loop {last.ms(base, base):.2f}",
            end="",
            file=sys.stderr,
        )


def table_of_parts(kind: str, found: list[Round], forms: list[str], first_s: float) -> float:
    """Prints it, and returns the batch's rate beside that of the loop that does the same."""
    base = forms[-1]
    ratio = 0.0
    print(
        f"| {kind}: what | jobs | a second | ms a job | more by | beside `{base}` | CPU ms: its own | its children's |"
    )
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    before: str | None = None
    for name in [*forms, "batch"]:
        jobs = sum(each.jobs if name in (base, "batch") else each.fewer for each in found)
        ran = [each.ran[name] for each in found]
        took, own, children = (sum(column) * 1000 / jobs for column in zip(*ran, strict=True))
        more = statistics.median(each.ms(name, base) - each.ms(before, base) for each in found) if before else None
        ratio = statistics.median(each.ms(base, base) / each.ms(name, base) for each in found)
        what = FORMS.get(name, "`sandbox batch`")
        print(
            f"| {what} | {jobs} | {1000 / took:.1f} | {took:.2f} | {'' if more is None else f'{more:+.2f}'} "
            f"| {ratio:.3f} | {own:.2f} | {children:.2f} |"
        )
        before = name
    whole = first_s + sum(each.ran["batch"].seconds for each in found)
    jobs = sum(each.jobs for each in found)
    print(f"\nFrom its start, first result after {first_s:.2f} s, `sandbox batch` did {jobs / whole:.1f} a second.\n")
    return ratio


def table_of_marks(found: list[Round], base: str) -> tuple[float, float]:
    """Prints it, and returns by how much ms a job differ, beside the loop's, and MiB that were added."""
    print("| up to job | ms a job | beside the loop | resident MiB | peak MiB |")
    print("| --: | --: | --: | --: | --: |")
    done, part, ratios = 0, list[Round](), list[float]()
    resident, settled_mib = 0.0, 0.0
    for number, each in enumerate(found):
        done += each.jobs
        part.append(each)
        resident = max(resident, each.resident_mib)
        settled_mib = settled_mib or each.resident_mib
        if done not in MARKS and number < len(found) - 1:
            continue
        took = sum(item.ran["batch"].seconds for item in part) * 1000 / sum(item.jobs for item in part)
        ratios.append(statistics.median(item.ms("batch", base) / item.ms(base, base) for item in part))
        print(f"| {done} | {took:.2f} | {ratios[-1]:.3f} | {each.resident_mib:.1f} | {each.peak_mib:.1f} |")
        part = []
    print()
    return max(ratios) / min(ratios) - 1, found[-1].peak_mib - settled_mib


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2000 and 500 jobs")
    parser.add_argument("--jobs", type=int, help="of each kind")
    parser.add_argument("--only", choices=KINDS, help="one kind of jobs")
    parser.add_argument("--backend", default="bwrap")
    parser.add_argument("-j", type=int, default=os.cpu_count() or 1, help="jobs at once; default: cores")
    options = parser.parse_args()
    missed: list[str] = []
    for kind in [options.only] if options.only else KINDS:
        jobs = options.jobs or (QUICK if options.quick else JOBS)[kind]
        load = os.getloadavg()[0]
        found, forms, first_s = rounds(kind, jobs, options.j, options.backend)
        print(
            f"{jobs} jobs of `{kind}`, {options.j} at once, {options.backend}, uid {os.getuid()}; "
            f"load {load:.1f} before, {os.getloadavg()[0]:.1f} after\n"
        )
        ratio = table_of_parts(kind, found, forms, first_s)
        drift, growth = table_of_marks(found, forms[-1])
        print(f"{kind}: {ratio:.3f} of the loop's rate; ms a job differ by {drift:.1%} beside it; {growth:+.1f} MiB\n")
        if growth > GROWTH_MIB:
            missed.append(f"{kind}: the batch grew by {growth:.1f} MiB, more than {GROWTH_MIB}")
        if jobs == JOBS[kind]:  # of fewer, only a first impression
            missed += [f"{kind}: {ratio:.3f} of the loop's rate, less than {GOAL}"] if ratio < GOAL else []
            missed += [f"{kind}: ms a job differ by {drift:.1%}, more than {DRIFT:.0%}"] if drift > DRIFT else []
    if missed:
        raise SystemExit("\n".join(missed))


if __name__ == "__main__":
    main()
