"""`sandbox batch` from end to end, as both accounts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from sandbox_cli.cli.schemas import json_schema
from tests.cli.people import Person
from tests.cli.test_stream import memory_kib

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.accounts import Sandbox

ONCE = pytest.mark.parametrize("account", ["user"], indirect=True)
TRUE = {"command": ["true"]}


def lines(jobs: Iterable[object]) -> bytes:
    return b"".join(json.dumps(job).encode() + b"\n" for job in jobs)


def results(stdout: bytes) -> list[dict[str, Any]]:
    assert stdout == b"" or stdout.endswith(b"\n")
    found = [json.loads(line) for line in stdout.splitlines()]
    for each in found:
        jsonschema.validate(each, json_schema())
    return found


def test_each_job_has_a_result_whatever_it_is(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "file.py").write_text("import sys; print(sys.argv[1:], sys.stdin.read(), open('in/a').read())")
    text = lines(
        [
            {"id": "snippet", "language": "python", "code": "print(6 * 7)"},
            {"id": "file", "file": "file.py", "args": ["x"], "stdin": "given", "files": {"in/a": {"base64": "aGk="}}},
            {"id": "command", "command": ["sh", "-c", "echo $A; exit 3"], "env": {"A": "b"}},
            {"id": "limit", "command": ["sleep", "20"], "limits": {"wall_time": "200ms"}},
            {"id": "beyond", **TRUE, "limits": {"memory": "900GiB"}},
            {"id": "file", **TRUE},
            {"id": "odd", **TRUE, "limit": {}},
            {"id": "nul", "command": ["echo", "a\0b"]},
            {"id": "missing", "file": "gone.py"},
            TRUE,
        ]
    )
    done = sandbox("batch", "-", "--ordered", stdin=text + b"\n\xff\n" + lines([{}]).strip(), cwd=shared_tmp)
    found = results(done.stdout)
    assert [(each["id"], each["status"]) for each in found] == [
        ("snippet", "ok"), ("file", "ok"), ("command", "nonzero-exit"), ("limit", "wall-time-limit"),
        ("beyond", "refused"), ("line 6", "refused"), ("line 7", "refused"), ("nul", "refused"), ("missing", "refused"),
        ("10", "ok"), ("line 12", "refused"), ("line 13", "refused"),
    ]  # fmt: skip
    assert [each["stdout"] for each in found[:3]] == ["42\n", "['x'] given hi\n", "b\n"]
    assert [each["error"]["message"] for each in found[5:9]] == [
        "line 6: id 'file' was used before",
        "line 7: there is no key 'limit' in a job",
        "line 8: 'a\\x00b' holds a NUL, which no argument can",
        "line 9: 'gone.py' can't be read: No such file or directory",
    ]
    assert found[6]["error"]["hint"].startswith("did you mean `limits`?")
    assert done.returncode == 1
    assert b"sandbox: 12 jobs in " in done.stderr
    assert b": 3 ok, 7 refused, 1 nonzero-exit, 1 wall-time-limit\n" in done.stderr


@ONCE
def test_options_hold_for_jobs_that_say_nothing_else(sandbox: Sandbox, shared_tmp: Path) -> None:
    jobs = [
        {"code": "print('a' * 9)"},
        {"code": "while True: pass", "limits": {"wall_time": "300ms"}},
        {"command": ["sleep", "9"]},
    ]
    (shared_tmp / "jobs").write_bytes(lines(jobs))
    words = ("--ordered", "-l", "python", "--timeout", "1s", "--capture", "4B", "-q", "--audit", "audit", "-b", "bwrap")
    done = sandbox("batch", "jobs", *words, cwd=shared_tmp)
    found = results(done.stdout)
    assert [(each["status"], each["stdout"], each["stdout_truncated"]) for each in found] == [
        ("ok", "aaaa", True), ("wall-time-limit", "", False), ("wall-time-limit", "", False),
    ]  # fmt: skip
    causes = [each["cause"] for each in found[1:]]
    assert causes == [f"limits.wall_time: still running; {most} allowed" for most in ("300ms", "1s")]
    assert [json.loads(line)["kind"] for line in (shared_tmp / "audit").read_text().splitlines()] == ["batch"] * 3
    assert (done.returncode, done.stderr) == (1, b"")


@ONCE
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("gone.jsonl",), "'gone.jsonl' can't be read: No such file or directory"),
        (("/",), "'/' is a directory"),
        (("-p", "nonesuch"), "there is no policy 'nonesuch'"),
        (("-l", "klingon"), "there is no language 'klingon'"),
        (("-b", "nonesuch"), "there is no backend 'nonesuch'"),
        (("--limit", "memory"), "--limit 'memory' has no value"),
        (("--limit", "memry=1GiB"), "there is no limit 'memry'"),
        (("--memory", "lots"), "limits.memory"),
        (("--capture", "lots"), "--capture"),
        (("-j", "0"), "invalid value for '-j' / '--jobs'"),
        (("--retries", "-1"), "invalid value for '--retries'"),
        (("a", "b"), "got unexpected extra argument(s) (b)"),
    ],
)
def test_mistake_of_the_command_line_is_one_sentence(sandbox: Sandbox, words: tuple[str, ...], says: str) -> None:
    done = sandbox("batch", *words, stdin=lines([TRUE]))
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode().partition("\n")[0]
    assert b"Traceback" not in done.stderr


@ONCE
def test_batch_of_good_jobs_ends_with_0_and_one_of_none_too(sandbox: Sandbox) -> None:
    assert sandbox("batch", "-q", stdin=lines([TRUE, TRUE])).returncode == 0
    empty = sandbox("batch", stdin=b"\n")
    assert (empty.returncode, empty.stdout) == (0, b"")
    assert empty.stderr.startswith(b"sandbox: 0 jobs in ")


@ONCE
def test_twenty_thousand_lines_take_no_more_memory_than_a_few(sandbox: Sandbox) -> None:
    def peak_kib(count: int, *words: str) -> int:
        found, peak = fed(sandbox, [b'{"id": "job-%d", "nothing": 1}\n' % number for number in range(count)], *words)
        assert found.count(b"\n") == count
        return peak

    few = peak_kib(200)
    assert peak_kib(20_000) - few < 8 << 10
    assert peak_kib(20_000, "--ordered") - few < 8 << 10


@ONCE
def test_line_of_any_length_is_one_error_result(sandbox: Sandbox) -> None:
    long = [b"x" * (1 << 20)] * 200
    found, peak_kib = fed(sandbox, [*long, b"\n", lines([TRUE])], "--ordered")
    assert [(each["id"], each["status"], each["cause"]) for each in results(found)] == [
        ("line 1", "refused", "line 1: it is longer than 64 MiB"),
        ("2", "ok", None),
    ]
    assert peak_kib < 200 << 10


@ONCE
def test_many_jobs_at_once_have_room_for_their_open_files(sandbox: Sandbox) -> None:
    job = {"command": ["sleep", "1"], "limits": {"wall_time": "50s"}}
    done = few_files(sandbox, 100, 4096, "-j", "80", stdin=lines([job] * 80))
    assert (done.returncode, done.stderr) == (0, b"")
    assert {each["status"] for each in results(done.stdout)} == {"ok"}


@ONCE
def test_more_jobs_than_open_files_allow_are_refused_before_any_begins(sandbox: Sandbox) -> None:
    done = few_files(sandbox, 256, 256, "-j", "80", stdin=lines([TRUE]))
    assert (done.returncode, done.stdout) == (125, b"")
    jails = 80 + 2 * min(80, len(os.sched_getaffinity(0)))  # with those that are made ahead
    said, hint = done.stderr.decode().splitlines()
    assert said == f"sandbox: 80 jobs at once take about {64 + jails * 30} open files, and 256 are allowed"
    found = re.fullmatch(r"hint: `-j (\d)`, or a higher hard limit: see `ulimit -Hn`", hint)
    assert found
    assert few_files(sandbox, 256, 256, "-j", found[1], stdin=lines([TRUE] * 10)).returncode == 0
    assert few_files(sandbox, 256, 256, stdin=lines([TRUE] * 10)).returncode == 0


def few_files(sandbox: Sandbox, soft: int, hard: int, *words: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    limits = ["prlimit", f"--nofile={soft}:{hard}"]
    return sandbox.account.run([*limits, *sandbox.command, "batch", "-q", *words], stdin=stdin)


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_no_more_programs_than_asked_for_run_at_once(sandbox: Sandbox, at_once: int) -> None:
    code = "import time; print(time.monotonic()); time.sleep(0.15); print(time.monotonic())"
    job = {"language": "python", "code": code, "limits": {"wall_time": "30s"}}
    done = sandbox("batch", "-q", "-j", str(at_once), stdin=lines([job] * (at_once * 6)))
    assert done.returncode == 0
    times = [[float(each) for each in result["stdout"].split()] for result in results(done.stdout)]
    most = max(sum(began <= moment < ended for began, ended in times) for moment, _ in times)
    assert most <= at_once
    assert at_once == 1 or most > 1


@ONCE
def test_terminal_shows_how_it_goes_and_then_what_it_came_to(sandbox: Sandbox, shared_tmp: Path) -> None:
    jobs = [{"command": ["sleep", "0.2"]}] * 15
    (shared_tmp / "jobs").write_bytes(lines(jobs))
    with Person(sandbox) as person:
        person.asks(f"cd {shared_tmp}")
        person.starts("batch", "jobs", "-j", "2", "--resume", "out", shows=" ok")
        shown = person.sees("sandbox: 15 jobs in ")
        assert "%" in shown
        assert person.sees("outer> ").count("P99") == 1
        assert person.code == 0


@ONCE
@pytest.mark.parametrize("more", [" | cat", " -q"])
def test_progress_is_not_drawn_where_it_would_be_in_the_way(sandbox: Sandbox, shared_tmp: Path, more: str) -> None:
    (shared_tmp / "jobs").write_bytes(lines([{"command": ["sleep", "0.5"]}] * 3))
    with Person(sandbox) as person:
        person.asks(f"cd {shared_tmp}")
        command = " ".join([*sandbox.command, "batch", "jobs"])
        out = " > out" if more == " -q" else ""
        shown = person.asks(f"{command}{more}{out}")
    assert "\x1b[2K" not in shown
    assert "%" not in shown


@ONCE
def test_without_a_line_in_its_audit_no_job_runs_and_none_has_a_result(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "jobs").write_bytes(lines([TRUE] * 40))
    words = ("batch", "jobs", "-q", "--resume", "results", "--audit")
    never = sandbox(*words, "/nowhere/log", cwd=shared_tmp)
    assert never.returncode == 125
    assert never.stderr.startswith(b"sandbox: audit")
    assert not (shared_tmp / "results").exists()
    with sandbox.popen(*words, "log", cwd=shared_tmp, stderr=subprocess.PIPE) as process:
        while not (shared_tmp / "results").exists() or (shared_tmp / "results").stat().st_size < 8000:
            time.sleep(0.005)
        (shared_tmp / "log").rename(shared_tmp / "old")
        (shared_tmp / "log").symlink_to("old")  # which no audit follows
        _, stderr = process.communicate()
    assert process.returncode == 125
    assert stderr.startswith(b"sandbox: audit")
    assert b"hint: the same command goes on" in stderr
    assert {each["status"] for each in results((shared_tmp / "results").read_bytes())} == {"ok"}
    (shared_tmp / "log").unlink()
    assert sandbox(*words, "log", cwd=shared_tmp).returncode == 0
    assert len(results((shared_tmp / "results").read_bytes())) == 40


def fed(sandbox: Sandbox, pieces: list[bytes], *words: str) -> tuple[bytes, int]:
    """The results of jobs of which some fail, and the most memory in KiB that the batch had.

    It is asked for while it still waits for more: the ru_maxrss of a child has what was ours before its exec, too.
    """
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with sandbox.popen("batch", "-q", *words, **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin = process.stdin

        def feed() -> None:
            stdin.writelines(pieces)
            stdin.flush()

        feeder = threading.Thread(target=feed)
        feeder.start()
        count = sum(piece.count(b"\n") for piece in pieces)
        found = b"".join(process.stdout.readline() for _ in range(count))
        feeder.join()
        peak_kib = memory_kib(process.pid, "VmHWM")
        stdin.close()
        assert process.wait() == 1
    assert peak_kib > 0
    return found, peak_kib
