"""What really reaches a jailer that is started: here a program that looks at itself, through the real launcher."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run import spawn
from sandbox_cli.run.prepared import Prepared, fill, slots
from sandbox_cli.slots import CONTROL_FD, DATA_FD, FILE, GID, HOST_SCRATCH, SCRATCH, STEM, UID

PYTHON = "/usr/bin/python3"
LOOK = """
import json, os, stat, sys
def kind(fd):
    mode = os.fstat(fd).st_mode
    names = {stat.S_IFSOCK: "socket", stat.S_IFIFO: "pipe", stat.S_IFCHR: os.readlink(f"/proc/self/fd/{fd}")}
    return names.get(stat.S_IFMT(mode)) or os.path.basename(os.readlink(f"/proc/self/fd/{fd}"))
found = {}
for fd in range(256):
    try:
        found[fd] = kind(fd)
    except OSError:
        pass
data = [os.read(fd, 99).decode() for fd in found if found[fd].startswith("memfd:")]
print(json.dumps([found, data, dict(os.environ), sys.argv[1:], os.getsid(0) == os.getpid()]))
"""
JAILER = {"0": "/dev/null", "1": "pipe", "2": "pipe", "3": "socket", "4": "launcher"}
# The same with fds of the caller's in the way: `spawn` in a process of its own, by path.
CALLER = """
import os, sys
sys.path.insert(0, {root!r})
from tests.run.test_spawn import look
closed, held = {closed!r}, {held!r}
out = os.fdopen(os.dup(1), "w")
os.set_inheritable(out.fileno(), True)
for fd in held:
    os.dup2(out.fileno(), fd, inheritable=True)
for fd in closed:
    os.close(fd)
out.write(repr(look([b"data"])))
out.flush()
"""


class Site:
    path, host, uid, gid = "/sandbox", "/run/sandbox/scratch", 1234, 5678
    group = None


def plan(code: str = LOOK, data: list[bytes] | None = None, *, watched: bool = False, **changes: Any) -> Any:
    return {
        "argv": [PYTHON, "-ISc", code],
        "data": data or [],
        "environ": [],
        "watched": watched,
        "binds": [],
        "groups": None,
        "scratch": {"made_by": "jailer", "tmpfs": False, "shown": False, "size_bytes": 0, "files": 0},
        "account": {"root": False, "uid": None, "gid": None},
        "environment": [],
        "command": ["/bin/true"],
        "argv0": "true",
        "directory": SCRATCH,
        "compile": None,
        **changes,
    }


def start(plan: Any) -> spawn.Spawned:
    site: Any = Site()
    return spawn.spawn(Prepared(plan), site, slots(site, b"-main.py"))


def said(spawned: spawn.Spawned) -> Any:
    with open(spawned.log, closefd=False) as log:
        text = log.read()
    os.waitpid(spawned.pid, 0)
    spawned.close()
    return json.loads(text)


def look(data: list[bytes] | None = None, *, watched: bool = False) -> Any:
    return said(start(plan(LOOK, data, watched=watched)))


@pytest.fixture(autouse=True)
def built(launcher: Path) -> Iterator[None]:
    """The launcher is there, and no fd is left open."""
    before = len(os.listdir("/proc/self/fd"))
    yield
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_jailer_gets_the_named_fds_and_no_other() -> None:
    reader, writer = os.pipe()
    for fd in (reader, writer):
        os.set_inheritable(fd, True)
    found, data, environment, _, leads = look([b"one", b"two"])
    os.close(reader)
    os.close(writer)
    memfd = "memfd:sandbox (deleted)"
    assert found == {**JAILER, str(DATA_FD): memfd, str(DATA_FD + 1): memfd}
    assert data == ["one", "two"]
    assert set(environment) <= {"LC_CTYPE"}  # which Python itself sets
    assert leads


def test_a_jailer_blocks_and_ignores_no_signal_that_it_counts_on() -> None:
    code = "print([line for line in open('/proc/self/status').read().splitlines() if line[:6] in ('SigBlk', 'SigIgn')])"
    code += f"; import os; os.read({CONTROL_FD}, 1)"  # where its end is ignored, nobody may find it any more
    ignored = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        spawned = start(plan(code))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGCHLD, ignored)
    spawned.control.send(b"x")
    with open(spawned.log, closefd=False) as log:
        block, ignore = [int(line.split()[1], 16) for line in ast.literal_eval(log.read())]
    os.waitpid(spawned.pid, 0)
    spawned.close()
    assert block == 0
    assert not ignore & 1 << (signal.SIGCHLD - 1)


@pytest.mark.parametrize("problem", [FileNotFoundError, ValueError])
def test_what_can_not_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch, problem: type[Exception]) -> None:
    word = "x" if problem is FileNotFoundError else "cut\0short"
    prepared = Prepared(plan(argv=[word]))
    monkeypatch.setattr(prepared, "launcher", "/nowhere" if problem is FileNotFoundError else prepared.launcher)
    site: Any = Site()
    with pytest.raises(problem):
        spawn.spawn(prepared, site, slots(site, b"main.py"))


def test_a_watched_jailer_does_not_get_the_lifeline() -> None:
    assert look([b"one"], watched=True)[0] == {**JAILER, str(DATA_FD): "memfd:sandbox (deleted)"}


@pytest.mark.parametrize(
    ("closed", "held"), [([0, 1, 2], []), ([1], []), ([0, 2], []), ([], list(range(3, 12))), ([0, 1, 2], [3, 5, 6, 9])]
)
def test_fds_of_the_caller_stand_in_nobodys_way(closed: list[int], held: list[int]) -> None:
    code = CALLER.format(root=str(Path(__file__).parents[2]), closed=closed, held=held)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    found, data, *_ = eval(done.stdout) if done.stdout else (done.stderr, None)
    assert found == {**JAILER, str(DATA_FD): "memfd:sandbox (deleted)"}
    assert data == ["data"]


def test_slots_are_filled_in_arguments_environment_and_data() -> None:
    argv = [PYTHON, "-ISc", LOOK, SCRATCH, f"{UID}:{GID}", "plain"]
    _, data, environment, arguments, _ = said(start(plan(data=[HOST_SCRATCH.encode()], argv=argv, environ=["A=b=c"])))
    assert arguments == ["/sandbox", "1234:5678", "plain"]
    assert data == ["/run/sandbox/scratch"]
    assert environment["A"] == "b=c"


@pytest.mark.parametrize("name", [b"-main.py", b"@main.c", b"~.m"])
def test_a_file_that_looks_like_an_option_is_none(name: bytes) -> None:
    site: Any = Site()
    assert fill(FILE.encode(), slots(site, name)) == b"./" + name
    assert fill(FILE.encode(), slots(site, b"\xff")) == b"\xff"


@pytest.mark.parametrize(
    ("name", "stem"), [(b"Main.java", b"Main"), (b"a.b.c", b"a.b"), (b"\xff.c", b"\xff"), (b"x", b"x")]
)
def test_the_stem_of_a_file_is_its_name_without_the_extension(name: bytes, stem: bytes) -> None:
    site: Any = Site()
    assert fill(f"x/{STEM}.o".encode(), slots(site, name)) == b"x/" + stem + b".o"


def test_the_end_of_the_lifeline_ends_a_watched_jailer() -> None:
    spawned = start(plan("import time; print('up', flush=True); time.sleep(60)", watched=True))
    assert os.read(spawned.log, 10) == b"up\n"
    spawned.close()
    assert os.waitpid(spawned.pid, 0)[1] != 0


def test_records_are_stamped_with_the_pid_of_whoever_writes_them() -> None:
    spawned = start(plan(f"import os; os.write({CONTROL_FD}, b'ready\\n')"))
    os.waitpid(spawned.pid, 0)
    from sandbox_cli.run import channel

    records = channel.receive(spawned.control)
    assert records is not None
    assert [(record.words, record.sender) for record in records] == [(["ready"], spawned.pid)]
    spawned.close()


@pytest.mark.parametrize(
    ("room", "low"), [*((room, False) for room in range(9)), *((room, True) for room in range(10))]
)
def test_too_few_fds_are_an_error_that_leaves_none_open(room: int, *, low: bool) -> None:
    """In a child, whose limit is its own. Where only `low` ones are free, some wait above their places for these."""
    child = os.fork()
    if child == 0:
        os._exit(left_open_with(room, low=low))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def left_open_with(room: int, *, low: bool) -> int:
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    filling = []
    with contextlib.suppress(OSError):
        while True:
            filling.append(os.dup(0))
    for fd in range(3, 3 + room) if low else filling[len(filling) - room :]:
        os.close(fd)
    with contextlib.suppress(OSError):
        start(plan(data=[b"x"])).close()
        return 99  # it had room enough
    free = 0
    with contextlib.suppress(OSError):
        while True:
            os.dup(0)
            free += 1
    return abs(room - free)
