"""What an account may do with the group that it is in: bound a child in a group of its own. Run by test_guest.py.

Prints one JSON object, and leaves the groups as they were.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = Path("/sys/fs/cgroup")
NEEDED = ("cpu", "memory", "pids")
FORKS = """
import os, time
for started in range(9):
    try: pid = os.fork()
    except OSError: break
    if pid == 0: os.close(1); time.sleep(9); os._exit(0)
print(started)
"""
GROWS = "x = []\nwhile 1: x.append(b'x' * (1 << 20))"


def main() -> None:
    own = GROUPS / Path("/proc/self/cgroup").read_text().strip().removeprefix("0::/")
    with empty(own), enabled(own), made(own / "child") as child:
        (child / "pids.max").write_text("4")
        (child / "memory.max").write_text("32M")
        where = below(child, "print(open('/proc/self/cgroup').read())")
        tasks = below(child, FORKS)
        kill(child)
        grown = below(child, GROWS)
        found = {"own": f"/{own.relative_to(GROUPS)}", "child": where.stdout.strip(), "forks": tasks.stdout.strip()}
        found["ended_by"] = signal.Signals(-grown.returncode).name if grown.returncode < 0 else str(grown.returncode)
        found["oom_kills"] = (child / "memory.events").read_text().split("oom_kill ")[1].split()[0]
    print(json.dumps(found))


def below(group: Path, code: str) -> subprocess.CompletedProcess[str]:
    def enter() -> None:
        (group / "cgroup.procs").write_text("0")

    argv = [sys.executable, "-ISc", code]
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, preexec_fn=enter, check=False)


def kill(group: Path) -> None:
    (group / "cgroup.kill").write_text("1")
    while "populated 1" in (group / "cgroup.events").read_text():
        time.sleep(0.01)


@contextmanager
def empty(group: Path) -> Iterator[None]:
    """Without a process in it: else its children get no controller. The root of all groups is exempt."""
    if group == GROUPS:
        yield
        return
    with made(group / "leaf") as leaf:
        move(group, leaf)
        yield
        move(leaf, group)


def move(source: Path, target: Path) -> None:
    while pids := (source / "cgroup.procs").read_text().split():
        for pid in pids:
            (target / "cgroup.procs").write_text(pid)


@contextmanager
def enabled(group: Path) -> Iterator[None]:
    file = group / "cgroup.subtree_control"
    before = file.read_text().split()
    for controller in NEEDED:
        file.write_text(f"+{controller}")
    yield
    for controller in set(NEEDED) - set(before):
        file.write_text(f"-{controller}")


@contextmanager
def made(group: Path) -> Iterator[Path]:
    group.mkdir()
    yield group
    group.rmdir()


if __name__ == "__main__":
    main()
