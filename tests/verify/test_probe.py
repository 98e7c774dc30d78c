"""The probe by itself, outside of any jail: it makes just the calls that it is told."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.verify import program
from sandbox_cli.verify.calls import AT_FDCWD, Call, Of, Out, answer, call, line

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.verify.calls import Answer

MACHINE = os.uname().machine
SIGCHLD = 17

pytestmark = pytest.mark.usefixtures("launcher")


def probe(*attempts: tuple[str, list[Call]]) -> list[Answer]:
    lines = [line(calls, MACHINE, how) or b"" for how, calls in attempts]
    done = subprocess.run([program.path()], input=b"".join(lines), capture_output=True, timeout=20, check=True)
    assert done.stderr == b""
    answers = [answer(said) for said in done.stdout.splitlines()]
    assert len(answers) == len(attempts)
    return answers


def test_a_file_is_read_through_the_descriptor_of_the_call_before(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\0ab\0")
    opened, read = call("openat", AT_FDCWD, str(tmp_path / "x"), os.O_RDONLY), call("read", Of(0), Out(64), 64)
    (found,) = probe(("a", [opened, read]))
    assert found.results[1] == 4
    assert found.buffers[0].ljust(4, b"\0") == b"\0ab\0"


def test_the_first_call_that_fails_is_the_last(tmp_path: Path) -> None:
    missing = call("openat", AT_FDCWD, str(tmp_path / "x"), os.O_RDONLY)
    made = call("mkdirat", AT_FDCWD, str(tmp_path / "made"), 0o700)
    (found,) = probe(("a", [missing, made]))
    assert found.word(2) == "ENOENT"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("calls", "word"),
    [
        ([call("exit_group", 7)], "exit 7"),
        ([call("getpid"), call("kill", Of(0), signal.SIGSEGV)], "SIGSEGV"),
    ],
)
def test_end_of_a_child_is_what_is_observed_and_the_next_attempt_is_made(calls: list[Call], word: str) -> None:
    ended, after = probe(("A", calls), ("a", [call("getpid")]))
    assert ended.word(len(calls)) == word
    assert after.word() == "ok"


def test_what_blocks_is_ended_by_an_alarm() -> None:
    if call("pause").number(MACHINE) is None:
        pytest.skip("this machine has no pause")
    (found,) = probe(("b", [call("pause")]))
    assert found.word() == "SIGALRM"


def test_deadly_attempt_is_not_made_in_the_probe_itself() -> None:
    limit = (call("prlimit64", 0, 6, b"\1" + bytes(7) + b"\1" + bytes(7), 0),)  # RLIMIT_NPROC, for whoever isn't root
    who = call("setresuid", 54321, 54321, 54321)
    if os.getuid() != 0:
        pytest.skip("an ordinary user may have other processes")
    _, _, deadly, other = probe(("n", [who]), ("n", [*limit]), ("A", [call("exit_group", 7)]), ("a", [call("getpid")]))
    assert (deadly.tried, other.word()) == (False, "ok")


def test_what_a_fork_brings_forth_says_nothing() -> None:
    (found,) = probe(("n", [call("clone", SIGCHLD, 0, 0, 0, 0)] * 3))
    assert len(found.results) == 3
    assert all(result > 0 for result in found.results)


def test_not_built_and_stale_say_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "HERE", tmp_path)
    (tmp_path / "probe.c").touch()
    with pytest.raises(HostError, match=r"^the probe is not built$"):
        program.path()
    (tmp_path / "probe").touch()
    os.utime(tmp_path / "probe", (1, 1))
    with pytest.raises(HostError, match=r"^the probe is older than probe\.c$") as raised:
        program.path()
    assert raised.value.hint == "run `make launcher`"
