"""What a job costs beside the raw jailer that runs the same program in the same jail.

    python bench/start.py [-o RESULTS.json] [pyperf's options, such as --fast]
    python bench/start.py --table RESULTS.json      the table of docs/performance.md

For each backend and program: `raw` starts the jailer with the very arguments that the plan renders, the
program in the place of the launcher; `run` is `run.execute` of the compiled plan, in a process that is warm;
`command` is `sandbox exec` from its start. All in one session of pyperf, as ratios to `raw`.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import pyperf

from sandbox_cli import plan
from sandbox_cli.errors import SandboxError
from sandbox_cli.run import execute

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = {"true": ["/usr/bin/true"], "python": ["/usr/bin/python3", "-c", "print(1)"]}
BACKENDS = ("bwrap", "nsjail", "firejail")
DATA_FD = 5
WORK: Any = {
    "id": "bench", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None, "stdout": None,
    "stderr": None, "capture": 1 << 20, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip


def spawn_and_wait(argv: list[str], data: list[bytes] = [], stdout: int | None = None) -> None:  # noqa: B006 (never changed)
    """Starts a program as the run does, with fds for its data, and waits for its end."""
    null = os.open(os.devnull, os.O_RDWR)
    fds = []
    for piece in data:
        fd = os.memfd_create("data")
        os.write(fd, piece)
        os.lseek(fd, 0, os.SEEK_SET)
        fds.append(fd)
    actions: list[tuple[int, ...]] = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in range(3)]
    if stdout is not None:
        actions.append((os.POSIX_SPAWN_DUP2, stdout, 1))
    actions += [(os.POSIX_SPAWN_DUP2, fd, 100 + index) for index, fd in enumerate(fds)]
    actions += [(os.POSIX_SPAWN_DUP2, 100 + index, DATA_FD + index) for index in range(len(fds))]
    environ = {"PATH": "/usr/bin:/bin"} | {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    pid = os.posix_spawn(argv[0], argv, environ, file_actions=actions)
    _, status = os.waitpid(pid, 0)
    for fd in [null, *fds]:
        os.close(fd)
    if status:
        raise SystemExit(f"{argv[0]} failed with {os.waitstatus_to_exitcode(status)}")


def timed(job: Callable[[], object]) -> Callable[[int], float]:
    def loops(count: int) -> float:
        began = time.perf_counter()
        for _ in range(count):
            job()
        return time.perf_counter() - began

    return loops


def raw(compiled: dict[str, Any], program: list[str], scratch: str, stdout: int | None = None) -> Callable[[], None]:
    """The jailer as the plan renders it, with the program where the launcher would stand."""

    def fill(text: str) -> str:
        for slot, value in (
            ("scratch", scratch),
            ("host-scratch", scratch),
            ("uid", os.getuid()),
            ("gid", os.getgid()),
            ("boot-id", "of-a-bench"),
        ):
            text = text.replace(f"\0{slot}\0", str(value))
        return text

    argv = [fill(word) for word in compiled["argv"][:-3]] + program
    data = [fill(piece.decode()).encode() for piece in compiled["data"]]
    return lambda: spawn_and_wait(argv, data, stdout)


def made_scratch() -> str:
    """A directory that stands in for a job's, until we end."""
    scratch = f"/tmp/bench-{os.getuid()}"
    os.makedirs(scratch, exist_ok=True)
    atexit.register(lambda: os.path.isdir(scratch) and os.rmdir(scratch))
    return scratch


def bench(runner: pyperf.Runner, backend: str, name: str, program: list[str]) -> None:
    try:
        compiled: Any = plan.compile({"command": program, "backend": backend, "policy": "command"})
    except SandboxError as error:
        print(f"{backend} is left out: {error}", file=sys.stderr)
        return
    scratch = made_scratch()
    command = [sys.executable, "-m", "sandbox_cli", "exec", "-b", backend, "--", *program]
    runner.bench_time_func(f"{backend} {name} raw", timed(raw(compiled, program, scratch)))
    runner.bench_time_func(f"{backend} {name} run", timed(lambda: execute(compiled, WORK)))
    runner.bench_time_func(f"{backend} {name} command", timed(lambda: spawn_and_wait(command)))


def table(path: str) -> None:
    """Medians in ms, and ratios to the raw jailer."""
    medians = {each.get_name(): each.median() * 1000 for each in pyperf.BenchmarkSuite.load(path)}
    print("| backend | program | raw jailer | `run.execute` | ratio | `sandbox exec` | ratio |")
    print("| --- | --- | --: | --: | --: | --: | --: |")
    for backend in BACKENDS:
        for name in PROGRAMS:
            if f"{backend} {name} raw" not in medians:
                continue
            base, warm, cold = (medians[f"{backend} {name} {kind}"] for kind in ("raw", "run", "command"))
            print(
                f"| {backend} | {name} | {base:.1f} | {warm:.1f} | {warm / base:.2f} | {cold:.0f} | {cold / base:.1f} |"
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--table"]:
        table(sys.argv[2])
    else:
        runner = pyperf.Runner(processes=5, values=3, warmups=1)
        for backend in BACKENDS:
            for name, program in PROGRAMS.items():
                bench(runner, backend, name, program)
