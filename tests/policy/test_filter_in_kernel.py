"""The compiled filter, loaded into this kernel: what a program that is under it can do."""

from __future__ import annotations

import platform
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.policy.model import Syscalls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MACHINE = platform.machine()
DENIED: tuple[str, ...] = (
    "unshare",
    "setns",
    "mount",
    "ptrace",
    "open_tree_attr",
    "tiocsti",
    "tiocsti_garbage",
    "tioclinux",
)
DENIED += ("clone_newuser", "clone_newuser_garbage", "clone_newpid")
FREE = {"fionread": "ENOTTY", "fork": "ok", "thread": "ok"}


def attempts(probe: Path, filter_file: Path | str) -> dict[str, str]:
    told = subprocess.run([probe, filter_file], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    return dict(line.split() for line in told.stdout.splitlines())


def loaded(folder: Path, **said: object) -> Path:
    file = folder / "filter"
    file.write_bytes(compile_filter(Syscalls(**said), MACHINE, isolated=True))  # type: ignore[arg-type]
    return file


def test_without_a_filter_the_attempts_end_otherwise(probe: Path) -> None:
    told = attempts(probe, "-")
    assert {name for name in told if told[name] in {"EPERM", "SYS"}} <= {
        "unshare",
        "clone_newuser",
        "clone_newpid",
        "setns",
    }
    assert {name: told[name] for name in FREE} == FREE
    assert told["clone3"] != "ENOSYS"


@pytest.mark.parametrize(("action", "answer"), [("errno", "EPERM"), ("kill", "SYS")])
def test_the_default_filter_refuses_every_attempt_and_lets_ordinary_calls_through(
    probe: Path, tmp_path: Path, action: str, answer: str
) -> None:
    told = attempts(probe, loaded(tmp_path, deny=("@default-deny",), action=action))
    foreign = {name: answer for name in ("x32", "i386") if name in told}
    assert told == dict.fromkeys(DENIED, answer) | FREE | {"clone3": "ENOSYS"} | foreign


def test_logging_lets_listed_calls_through_but_nothing_structural(probe: Path, tmp_path: Path) -> None:
    free, told = attempts(probe, "-"), attempts(probe, loaded(tmp_path, deny=("@default-deny",), action="log"))
    listed = ("mount", "ptrace", "open_tree_attr")
    assert {name: told[name] for name in listed} == {name: free[name] for name in listed}
    structural = set(DENIED) - set(listed) | {"x32", "i386"} & told.keys()
    assert {told[name] for name in structural} == {"EPERM"}
    assert told["clone3"] == "ENOSYS"


def test_an_empty_deny_list_still_refuses_what_is_structural(probe: Path, tmp_path: Path) -> None:
    told = attempts(probe, loaded(tmp_path, deny=()))
    assert {
        told[name] for name in ("unshare", "setns", "tiocsti_garbage", "clone_newuser_garbage", "clone_newpid")
    } == {"EPERM"}
    assert told["ptrace"] == "ok"


STATIC: tuple[str, ...] = (
    "brk",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "prlimit64",
    "readlink",
    "readlinkat",
    "getrandom",
)
STATIC += (
    "mprotect",
    "mmap",
    "munmap",
    "openat",
    "close",
    "fstat",
    "newfstatat",
    "pread64",
    "access",
    "faccessat",
    "futex",
)


def test_an_allow_list_starts_a_program_and_stops_what_it_does_not_name(probe: Path, tmp_path: Path) -> None:
    program = loaded(tmp_path, allow=STATIC, action="errno")
    echoed = subprocess.run([probe, program, "/bin/echo", "OK"], capture_output=True, text=True, check=True)
    assert echoed.stdout == "OK\n"
    made = subprocess.run(
        [probe, program, "/bin/mkdir", tmp_path / "made"], capture_output=True, text=True, check=False
    )
    assert "not permitted" in made.stderr
    assert not (tmp_path / "made").exists()


def test_an_allow_list_that_kills_ends_the_program_with_sigsys(probe: Path, tmp_path: Path) -> None:
    program = loaded(tmp_path, allow=STATIC, action="kill")
    made = subprocess.run([probe, program, "/bin/mkdir", tmp_path / "made"], capture_output=True, check=False)
    assert made.returncode == -31


PYTHON = """
import asyncio, concurrent.futures, multiprocessing, os, socket, subprocess, tempfile, threading, ctypes
def work(n): return n * n
if __name__ == "__main__":
    with concurrent.futures.ThreadPoolExecutor(4) as pool: assert list(pool.map(work, range(4))) == [0, 1, 4, 9]
    with multiprocessing.Pool(2) as pool: assert pool.map(work, range(4)) == [0, 1, 4, 9]
    assert subprocess.run(["/bin/echo", "x"], capture_output=True).stdout == b"x\\n"
    async def main():
        child = await asyncio.create_subprocess_exec("/bin/true")
        return await child.wait()
    assert asyncio.run(main()) == 0
    a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
    tempfile.TemporaryFile().write(b"x")
    os.memfd_create("x")
    print("OK")
"""
NODE = """
const { Worker, isMainThread } = require("worker_threads");
if (isMainThread) {
  require("fs").readFile("/proc/self/status", () =>
    require("child_process").exec("echo x", (error, out) =>
      require("crypto").pbkdf2("a", "b", 10, 8, "sha256", () =>
        new Worker("0", { eval: true }).on("exit", () => console.log(error ? "no" : "OK")))));
}
"""


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["/usr/bin/python3", "-c", PYTHON], id="python"),
        pytest.param(["node", "-e", NODE], id="node"),
        pytest.param(["perl", "-MPOSIX", "-e", 'open(my $p, "-|", "echo OK"); print <$p>; wait'], id="perl"),
        pytest.param(["bash", "-c", "diff <(echo a) <(echo a) && (sleep 0 & wait; echo OK)"], id="bash"),
        pytest.param(["java", "-version"], id="java"),
    ],
)
def test_languages_work_under_the_default_filter(
    probe: Path, tmp_path: Path, command: list[str], needs: Callable[[str], None]
) -> None:
    name = command[0]
    needs(name)
    program = shutil.which(name) or name
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(tmp_path)}
    told = subprocess.run(
        [probe, loaded(tmp_path, deny=("@default-deny",)), program, *command[1:]],
        capture_output=True, text=True, check=False, env=environment, timeout=60,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    assert told.stdout == ("" if name == "java" else "OK\n")
