"""The same program has the same outcome on every backend, as root and as an ordinary user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Driver

SH = ["/bin/sh", "-c"]


class Case(NamedTuple):
    name: str
    command: list[str]
    expected: dict[str, Any]
    limits: dict[str, str] = {}  # noqa: RUF012 (never changed)
    work: dict[str, Any] = {}  # noqa: RUF012


def ends(status: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "exit_code": None, "signal": None, "stdout": b"", "stderr": b"", "artifacts": {}} | more


def exits(code: int, **more: Any) -> dict[str, Any]:
    return ends("nonzero-exit" if code else "ok", exit_code=code, **more)


def python(name: str, code: str, expected: dict[str, Any], **more: Any) -> Case:
    return Case(name, [*PYTHON, code], expected, **more)


SIGNALS = (
    "HUP",
    "INT",
    "QUIT",
    "ILL",
    "TRAP",
    "ABRT",
    "BUS",
    "FPE",
    "KILL",
    "USR1",
    "SEGV",
    "USR2",
    "PIPE",
    "ALRM",
    "TERM",
)

KILL_ALL = """
import os
for target in [-1, 0, 1, os.getppid(), *(int(p) for p in os.listdir("/proc") if p.isdigit())]:
    for number in 15, 19, 9:
        if target not in (0, os.getpid()):
            try: os.kill(target, number)
            except OSError: pass
print("lived")
raise SystemExit(5)
"""

# Every fd that can be opened through /proc is written a record of success, and so is every own fd.
FORGE = """
import os
RECORD = b"started\\nexit 0\\nsignal 9 0\\ntotal 0 0 0\\nready\\narmed\\n"
for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
    try: fds = os.listdir(f"/proc/{pid}/fd")
    except OSError: fds = range(16)
    for fd in fds:
        if int(pid) == os.getpid() and int(fd) < 3: continue
        try: os.write(os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK), RECORD)
        except OSError: pass
for fd in range(3, 256):
    try: os.write(fd, RECORD)
    except OSError: pass
os._exit(9)
"""

FORKS = """
import os, time
children = 0
try:
    while children < 100:
        if os.fork() == 0:
            time.sleep(9)
            os._exit(0)
        children += 1
except BlockingIOError:
    print(children, flush=True)
os._exit(0)
"""

ORPHANS = """
import os, time
for own_session in 0, 1, 1:
    if os.fork() == 0:
        if own_session: os.setsid()
        if os.fork() == 0: time.sleep(60)
        os._exit(0)
print("parent")
"""

CASES = [
    *(Case(f"exit {code}", [*SH, f"exit {code}"], exits(code)) for code in (0, 1, 42, 127, 139, 255)),
    *(Case(f"SIG{name}", [*SH, f"kill -{name} $$; sleep 5"], ends("signalled", signal=f"SIG{name}")) for name in SIGNALS),
    python("abort", "import os; os.abort()", ends("signalled", signal="SIGABRT")),
    python("real time signal", "import os; os.kill(os.getpid(), 36)", ends("signalled", signal="SIGRTMIN+2")),
    Case("not found", ["/nowhere/program"], ends("cannot-start", exit_code=127)),
    Case("a bare name not found", ["no-such-program"], ends("cannot-start", exit_code=127)),
    Case("a directory", ["/usr"], ends("cannot-start", exit_code=126)),
    Case("not executable", ["./x"], ends("cannot-start", exit_code=126), work={"inputs": [(b"x", b"#!/bin/sh\n", 0o644)]}),
    Case("no #! line", ["./x"], ends("cannot-start", exit_code=126), work={"inputs": [(b"x", b"echo hi\n", 0o755)]}),
    Case("no interpreter", ["./x"], ends("cannot-start", exit_code=127), work={"inputs": [(b"x", b"#!/no\n", 0o755)]}),
    Case("a script", ["./x"], exits(3, stdout=b"hi\n"), work={"inputs": [(b"x", b"#!/bin/sh\necho hi\nexit 3\n", 0o755)]}),
    Case("sleep past the limit", ["sleep", "60"], ends("wall-time-limit", signal="SIGKILL"), {"wall_time": "300ms"}),
    Case("orphans past the end", [*PYTHON, ORPHANS], exits(0, stdout=b"parent\n")),
    python("binary output", "import os; os.write(1, bytes(range(256)) * 4)", exits(0, stdout=bytes(range(256)) * 4)),
    Case("both streams", [*SH, "echo out; echo err >&2"], exits(0, stdout=b"out\n", stderr=b"err\n")),
    Case("no stdin", ["cat"], exits(0)),
    Case("stdin", ["cat"], exits(0, stdout=b"in\0\xff\n"), work={"stdin": b"in\0\xff\n"}),
    Case("a megabyte of stdin", ["wc", "-c"], exits(0, stdout=b"1048576\n"), work={"stdin": b"x" * (1 << 20)}),
    Case("stdin that nobody reads", ["true"], exits(0), work={"stdin": b"x" * (1 << 20)}),
    python("closed stdio", "import os; os.closerange(0, 3); os._exit(4)", exits(4)),
    python("kills all it can see", KILL_ALL, exits(5, stdout=b"lived\n")),
    python("forges records", FORGE, exits(9)),
    python("twenty tasks", FORKS, exits(0, stdout=b"19\n"), limits={"processes": "20"}),
    python("one task", "print('alone')", exits(0, stdout=b"alone\n"), limits={"processes": "1"}),
    python("no second task", FORKS, exits(0, stdout=b"0\n"), limits={"processes": "1"}),
    Case("a library to preload", ["env", "-i", "/bin/true"], exits(0), work={"environment": [b"LD_PRELOAD=/nowhere.so"]})
    ._replace(expected=exits(0, stderr=b"ERROR: ld.so: object '/nowhere.so' from LD_PRELOAD cannot be preloaded "
                             b"(cannot open shared object file): ignored.\n")),
    Case("a file for bash", ["bash", "-c", "echo own"], exits(0, stdout=b"env\nown\n"),
         work={"environment": [b"BASH_ENV=./rc"], "inputs": [(b"rc", b"echo env\n", 0o644)]}),
    Case("odd names of variables", ["env"], exits(0, stdout=b""),
         work={"environment": [b"a.b=1", b"x y=2\n3", b"\xff=\xfe", b"=odd"]}),
    Case("files", [*SH, "mkdir -p d; echo 1 > d/made; ln -s /etc/passwd link; echo 2 >> given"],
         exits(0, artifacts={b"d/made": b"1\n", b"given": b"in\n2\n"}), work={"inputs": [(b"given", b"in\n", 0o644)]}),
    Case("a file that grows too long", ["dd", "if=/dev/zero", "of=big", "bs=64k", "count=100", "status=none"],
         ends("file-size-limit", signal="SIGXFSZ", artifacts={b"big": b"\0" * (1 << 20)}), {"file_size": "1MiB"}),
    python("too many open files", "import os\ntry:\n  while 1: os.dup(0)\nexcept OSError as e: print(e.errno)",
           exits(0, stdout=b"24\n"), limits={"open_files": "20"}),
    python("memory in one process", "x = bytearray(300 << 20)\nimport time; time.sleep(20)",
           ends("memory-limit", signal="SIGKILL"), limits={"memory": "128MiB"}),
    python("memory in a file without a name", "import os,time\nf = os.memfd_create('m')\nos.write(f, bytes(1 << 20))\n"
           "for i in range(300): os.write(f, bytes(1 << 20))\ntime.sleep(20)",
           ends("memory-limit", signal="SIGKILL"), limits={"memory": "128MiB", "file_size": "1GiB"}),
    python("time of the processor", "while 1: pass", ends("cpu-time-limit", signal="SIGKILL"), limits={"cpu_time": "500ms"}),
    python("time of many processors", "import os\nfor i in range(3): os.fork()\nwhile 1: pass",
           ends("cpu-time-limit", signal="SIGKILL"), limits={"cpu_time": "500ms"}),
    Case("too much output", ["yes"], ends("output-limit", signal="SIGKILL", stdout=b"y\n" * 50000), {"output": "100kB"}),
    python("too much output on both", "import os\nwhile 1: os.write(1, b'x' * 1000); os.write(2, b'y' * 1000)",
           ends("output-limit", signal="SIGKILL"), limits={"output": "1MiB"}),
    Case("a new user namespace", ["unshare", "-U", "true"],
         exits(1, stderr=b"unshare: unshare failed: Operation not permitted\n")),
    Case("a closed folder in scratch", [*SH, "mkdir x; echo 1 > x/y; chmod 0 x/y x; sleep 0.6"],
         exits(0, artifacts={b"x/y": b"1\n"})),
    python("a fault", "import ctypes; ctypes.string_at(1)", ends("signalled", signal="SIGSEGV")),
    Case("arguments", ["printf", "%s|", "", "-x", "--", "a\nb", "'\"", "\udcff", "$HOME", "*"],
         exits(0, stdout=b"|-x|--|a\nb|'\"|\xff|$HOME|*|")),
    python("a long argument", "import sys; print(len(sys.argv[1]))", exits(0, stdout=b"100000\n"),
           work={"arguments": [b"x" * 100_000]}),
    python("a thousand arguments", "import sys; print(len(sys.argv))", exits(0, stdout=b"1001\n"),
           work={"arguments": [b"x"] * 1000}),
]  # fmt: skip

DIFFERENT = {("firejail", "user", "memory in a file without a name")}
SUMMED = {"too much output on both"}  # what of each stream comes first is the scheduler's choice
SORTED = {"odd names of variables"}


@pytest.mark.parametrize("case", CASES, ids=[case.name.replace(" ", "-") for case in CASES])
def test_outcome_is_the_same_on_every_backend(case: Case, backend: str, account: str, driver: Driver) -> None:
    if (backend, account, case.name) in DIFFERENT:
        pytest.skip("a listed difference: test_differences.py asserts it")
    job = {"command": case.command, "backend": backend, "limits": case.limits}
    outcome = driver.run(job, case.work)
    assert "refused" not in outcome, outcome
    found = {key: outcome[key] for key in case.expected}
    found["artifacts"] = {each["path"]: each["content"] for each in outcome["artifacts"]}
    if case.name in SUMMED:
        assert len(found.pop("stdout")) + len(found.pop("stderr")) == 1 << 20
        assert found == {key: value for key, value in case.expected.items() if key not in ("stdout", "stderr")}
    elif case.name in SORTED:
        assert b"\nx y=2\n3\n" in found["stdout"]
        assert {b"a.b=1", b"\xff=\xfe", b"=odd"} <= set(found["stdout"].split(b"\n"))
    else:
        assert found == case.expected, outcome["cause"]


def test_a_hundred_megabytes_are_counted_and_kept_to_the_cap(backend: str, driver: Driver) -> None:
    job = {"command": ["head", "-c", "100000000", "/dev/zero"], "backend": backend, "limits": {"output": "200MB"}}
    outcome = driver.run(job, {"capture": 1000})
    assert (outcome["status"], outcome["stdout_bytes"], outcome["stdout_truncated"]) == ("ok", 100_000_000, True)
    assert outcome["stdout"] == bytes(1000)


@pytest.mark.parametrize("number", [1, 2, 15])
def test_a_cancelled_job_says_by_which_signal(number: int, backend: str, driver: Driver) -> None:
    outcome = driver.run({"command": ["sleep", "60"], "backend": backend}, cancel=(number, 0.2))
    assert outcome["status"] == "cancelled"
    assert outcome["signal"] == {1: "SIGHUP", 2: "SIGINT", 15: "SIGTERM"}[number]


def test_the_wall_time_ends_a_job_within_ten_milliseconds(backend: str, driver: Driver) -> None:
    times = []
    for _ in range(5):
        outcome = driver.run({"command": ["sleep", "60"], "backend": backend, "limits": {"wall_time": "200ms"}})
        times.append(outcome["usage"]["wall_time_s"])
    assert 0.2 <= min(times) < 0.21  # a machine that is busy with other things adds its own delays


def test_usage_counts_the_whole_tree(backend: str, driver: Driver) -> None:
    spin = (
        "import os, time\nfor _ in range(2):\n  if os.fork() == 0:\n    while time.process_time() < .2: pass\n"
        "    os._exit(0)\nos.wait(); os.wait()"
    )
    outcome = driver.run({"command": [*PYTHON, spin], "backend": backend})
    assert outcome["status"] == "ok"
    assert outcome["usage"]["cpu_time_s"] == pytest.approx(0.42, abs=0.06)
    holder = next(row["enforced_by"] for row in outcome["receipt"]["clauses"] if row["clause"] == "limits.cpu_time")
    assert outcome["usage"]["measured_by"]["cpu_time_s"] == ("rusage" if holder == "sampler" else holder)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
@pytest.mark.parametrize("where", ["closed/file", "linked/file"])
def test_a_file_is_shown_however_the_host_closes_or_links_the_folder_around_it(
    where: str, backend: str, account: str, driver: Driver, shared_tmp: Path
) -> None:
    """A closed folder is a matter of root's alone, who may show what its job's account can't reach."""
    closed = shared_tmp / "closed"
    closed.mkdir()
    (closed / "file").write_text("shown\n")
    (shared_tmp / "linked").symlink_to(closed)
    if account == "root":
        closed.chmod(0o700)
    path = shared_tmp / where
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{path}: ro}}\n")
    job = {"command": ["cat", str(path)], "backend": backend, "policy": str(shared_tmp / "policy.yaml")}
    outcome = driver.run(job)
    assert outcome.get("stdout") == b"shown\n", outcome


@pytest.mark.parametrize("backend", ["firejail"], indirect=True)
def test_a_path_behind_a_linked_folder_is_a_gap_of_firejail(backend: str, driver: Driver, shared_tmp: Path) -> None:
    (shared_tmp / "real").mkdir()
    (shared_tmp / "real" / "inner").mkdir()
    (shared_tmp / "link").symlink_to("real")
    path = shared_tmp / "link" / "inner"
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{path}: ro}}\n")
    job = {"command": ["true"], "backend": backend, "policy": str(shared_tmp / "policy.yaml")}
    outcome = driver.run(job)
    assert [gap["clause"] for gap in outcome["gaps"]] == [f"filesystem.{path}"]
