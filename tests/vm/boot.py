"""Boot the host's own file tree under User Mode Linux, run one command in it, and end it again.

bwrap holds the guest: all of the host is read-only to it but the folder of its results, whatever is mounted where
(a guest's root may mount any host path that its kernel's process can write); its processes are in a PID namespace
and its memory is in a private /dev/shm, so that nothing outlives it, not even where this process is killed.
"""

from __future__ import annotations

import os
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.accounts import PATH, ROOT, TESTER
from tests.vm.guest import GRACE_S, PROJECT, RESULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KERNEL = "/usr/bin/linux.uml"
WAYS = {  # init, account
    "root": ("plain", "root"),
    "delegated": ("plain", TESTER),
    "scope": ("systemd", TESTER),
    "service": ("systemd", "root"),
}
MEMORY = "2G"
BOOT_S = 60  # until the command runs, and from its end: two to ten seconds where nothing else does


@dataclass(frozen=True)
class Ended:
    """What came back from a guest; its streams and the files it kept are in `folder`."""

    status: int | None  # None: it did not come back
    seconds: float
    folder: Path

    def text(self, name: str) -> str:
        """One of stdout, stderr, console."""
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""


def boot(
    way: str, command: Sequence[str], folder: Path, *, core: int, timeout_s: float, env: Mapping[str, str]
) -> Ended:
    """Run `command` in a new guest with the project as its directory, as the account and in the groups of `way`.

    `folder` is made anew. The guest has one processor: on one core it is 2.5 times as fast as on two.
    """
    init, account = WAYS[way]
    folder.mkdir(parents=True)
    words = ["env", "-i", f"PATH={PATH}", "LANG=C.UTF-8", *(f"{name}={value}" for name, value in env.items())]
    words += [inside(sys.executable), "-m", "tests.vm.guest", way, account, str(timeout_s), *command]
    start = folder / "start"
    start.write_text(f"#!/bin/busybox sh\ncd {PROJECT} && exec {shlex.join(words)}\n")
    start.chmod(0o755)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # the kernel holds an fd for every host file in its cache
    argv = [
        "bwrap",
        "--ro-bind", "/", "/",
        "--ro-bind", str(ROOT), str(PROJECT),
        "--bind", str(folder), str(RESULTS),
        "--dev", "/dev", "--proc", "/proc",
        "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
        "--die-with-parent", "--new-session",
        "--clearenv", "--setenv", "PATH", PATH, "--setenv", "TMPDIR", "/dev/shm",
        "--chdir", "/",
        "--",
        "prlimit", f"--nofile={files}", "taskset", "--cpu-list", str(core),
        KERNEL, f"mem={MEMORY}", "uml_dir=/dev/shm/",
        "root=/dev/root", "rootfstype=hostfs", "hostfs=/", "ro", f"init={PROJECT}/tests/vm/init",
        "con=null", "ssl=null", "con0=null,fd:1", "quiet",
        f"vm.init={init}", "systemd.unified_cgroup_hierarchy=1",
    ]  # fmt: skip
    began = time.monotonic()
    with (folder / "console").open("wb") as console:
        guest = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)
        try:
            guest.wait(BOOT_S + timeout_s + GRACE_S)
        except subprocess.TimeoutExpired:
            console.write(b"\ntests.vm: killed, for it did not end by itself\n")
        finally:
            guest.kill()
            guest.wait()
    status = folder / "status"
    return Ended(int(status.read_text()) if status.exists() else None, time.monotonic() - began, folder)


def inside(path: str) -> str:
    """The same file, where the guest has it."""
    return str(PROJECT / Path(path).relative_to(ROOT)) if Path(path).is_relative_to(ROOT) else path


def main(way: str, *command: str) -> int:
    """One command in a guest, by hand: `python -m tests.vm.boot scope systemctl --user list-units`."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        core = min(os.sched_getaffinity(0))
        ended = boot(way, command, Path(folder, way), core=core, timeout_s=600, env={})
        print(ended.text("stdout"), end="")
        print(ended.text("console" if ended.status is None else "stderr"), end="", file=sys.stderr)
    return 125 if ended.status is None else ended.status % 256


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
