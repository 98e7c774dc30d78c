"""Runs jobs and kills their supervisors at random moments, in a process of its own that inherits every orphan.

As whatever account starts it, and run by path where the tests can't be imported. Its arguments are the
backend, the seed and how many supervisors to kill; its answer is one Python literal: a row for each kill, and
what of the dead was still there before and after the next job.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

from sandbox_cli import plan
from sandbox_cli.run import execute, scratch

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 1.0
LOCKS = "/run/sandbox/accounts"
FIRST_UID, LAST_UID = 1900000000, 1900065535  # the accounts of root's jobs, where nothing else is configured
WORK: dict[str, Any] = {
    "id": "killed", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None,
    "stdout": None, "stderr": None, "capture": 1000, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip

# Three processes, two of them in sessions of their own and orphans, deaf to every signal, busy with scratch.
JOB = """
import os, signal, time
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork(): os._exit(0)
        break
with open(f"mine-{os.getpid()}", "w") as file: file.write("left behind")
os.makedirs(f"shut-{os.getpid()}/below")
os.chmod(f"shut-{os.getpid()}", 0o500)
os.write(1, b"up")
while True: time.sleep(60)
"""
UP = len("up") * 3


class Supervisor:
    """One that runs the job, as a child of ours; `out` brings what the job writes."""

    def __init__(self, compiled: Any) -> None:
        self.out, writer = os.pipe2(os.O_NONBLOCK)
        self.seen = b""
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.out)
            os.set_blocking(writer, True)
            execute(compiled, WORK | {"stdout": writer})  # type: ignore[arg-type]
            os._exit(0)
        os.close(writer)

    def is_up(self) -> bool:
        """Whether all three processes of the job run."""
        with contextlib.suppress(BlockingIOError):
            self.seen += os.read(self.out, 100)
        return len(self.seen) >= UP

    def kill(self) -> dict[str, Any]:
        """Kills it, and says when that was and what was left a second later."""
        tree, up = descendants(), self.is_up()
        uids = {int(found["Uid"].split()[0]) for pid in tree if (found := status(pid))}
        os.kill(self.pid, signal.SIGKILL)
        killed = time.monotonic()
        end = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        left = wait_for_nobody(killed + PATIENCE_S)
        gone_s = round(time.monotonic() - killed, 3)
        os.close(self.out)
        return {
            "pid": self.pid, "end": end, "up": up, "processes": len(tree), "uids": uids, "left": left, "gone_s": gone_s,
        }  # fmt: skip


def descendants() -> list[int]:
    """Our children and theirs, whoever's account they run under."""
    found: list[int] = []
    pending = [os.getpid()]
    while pending:
        folder = f"/proc/{pending.pop()}/task"
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended while we look
            for task in os.listdir(folder):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    children = [int(pid) for pid in Path(folder, task, "children").read_text().split()]
                    pending += children
                    found += children
    return found


def status(pid: int) -> dict[str, str]:
    try:
        text = Path("/proc", str(pid), "status").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def wait_for_nobody(deadline: float) -> list[str]:
    """Reaps until no process is below us. What is left at the deadline is killed, and named by its command line."""
    while True:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return []
        if time.monotonic() > deadline:
            break
        time.sleep(0.002)
    left = []
    for pid in descendants():
        try:
            words = Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")
            left.append(f"{pid} {status(pid).get('State')}: {b' '.join(words).decode(errors='replace')[:200]}")
            os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return left


def start_up_s(compiled: Any) -> float:
    """How long it takes until the job runs."""
    began = time.monotonic()
    supervisor = Supervisor(compiled)
    until_up(supervisor)
    taken = time.monotonic() - began
    supervisor.kill()
    return taken


def until_up(supervisor: Supervisor) -> None:
    deadline = time.monotonic() + 10
    while not supervisor.is_up():
        assert os.waitid(os.P_PID, supervisor.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, "the run ended"
        assert time.monotonic() < deadline, "the job does not start"
        time.sleep(0.001)


def until_grown(supervisor: Supervisor, count: int) -> None:
    """Until there are so many processes: each has just been made, and nothing is settled yet."""
    deadline = time.monotonic() + 10
    while len(descendants()) < count and not supervisor.is_up() and time.monotonic() < deadline:
        pass


def moment(chance: random.Random, number: int, supervisor: Supervisor, longest_s: float) -> str:
    """Waits for the moment at which to kill: every fourth in the middle of the job, the others at its start."""
    if number % 4 == 3:
        until_up(supervisor)
        delay_s = chance.uniform(0, 0.02)
        time.sleep(delay_s)
        return f"{delay_s * 1000:.1f} ms after it was up"
    if number % 4 == 1:
        count = chance.randint(2, 5)
        until_grown(supervisor, count)
        return f"when it had {count} processes"
    delay_s = chance.uniform(0, longest_s * 1.1)
    time.sleep(delay_s)
    return f"{delay_s * 1000:.1f} ms after the fork"


def of_jobs(pids: list[int]) -> list[str]:
    """The scratch directories and control groups that these supervisors left."""
    mine = tuple(f"sandbox-{os.geteuid()}-{pid}-" for pid in pids)
    folders = [(scratch.TEMPORARY, os.listdir(scratch.TEMPORARY), []), *os.walk("/sys/fs/cgroup")]
    return [f"{folder}/{name}" for folder, names, _ in folders for name in names if name.startswith(mine)]


def locked(accounts: set[int]) -> set[int]:
    """Those of root's accounts for jobs that somebody still holds."""
    if not accounts or not os.path.exists(LOCKS):
        return set()
    fd = os.open(LOCKS, os.O_RDWR | os.O_CLOEXEC)
    held = set()
    for uid in accounts:
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, uid - FIRST_UID, 1, 0)
        if struct.unpack("hhqqi4x", fcntl.fcntl(fd, fcntl.F_OFD_GETLK, asked))[0] != fcntl.F_UNLCK:
            held.add(uid)
    os.close(fd)
    return held


def main(backend: str, seed: str, count: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")
    chance = random.Random(seed)
    job: Any = {"command": ["/usr/bin/python3", "-IS", "-c", JOB], "backend": backend, "limits": {"wall_time": "60s"}}
    compiled = plan.compile(job)
    longest = min(start_up_s(compiled) for _ in range(2))
    rows = []
    for number in range(count):
        supervisor = Supervisor(compiled)
        when = moment(chance, number, supervisor, longest)
        rows.append({"when": when} | supervisor.kill())
    pids = [row["pid"] for row in rows]
    accounts = {uid for row in rows for uid in row["uids"] if FIRST_UID <= uid <= LAST_UID}
    print(
        repr({
            "rows": rows, "accounts": len(accounts), "locked": locked(accounts), "before": of_jobs(pids),
            "next": execute(plan.compile({"command": ["true"], "backend": backend}), WORK)["status"],  # type: ignore[arg-type]
            "after": of_jobs(pids), "last": run_last(compiled),
        })
    )  # fmt: skip


def run_last(compiled: Any) -> list[str]:
    """One more, whose directory nobody sweeps here."""
    supervisor = Supervisor(compiled)
    until_up(supervisor)
    supervisor.kill()
    return of_jobs([supervisor.pid])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
