from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sandbox_cli.host.ask import ANSWER_BYTES, ask, ask_once, first_number, is_older
from tests.accounts import Account
from tests.host.programs import program


def test_both_streams_are_the_answer() -> None:
    assert ask(["/bin/sh", "-c", "echo out; echo err >&2"]) == "out\nerr\n"


def test_nothing_of_the_environment_reaches_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "1")
    assert ask(["/usr/bin/env"]) == ""


def test_it_runs_in_the_root_folder_and_reads_no_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ask(["/bin/sh", "-c", "pwd; cat"]) == "/\n"


def test_a_program_that_does_not_end_is_killed_with_what_it_started() -> None:
    start = time.monotonic()
    assert ask(["/bin/sh", "-c", "sleep 61 & sleep 61"], timeout_s=0.3) is None
    assert time.monotonic() - start < 5


def test_a_program_that_closes_its_streams_and_stays_is_killed() -> None:
    start = time.monotonic()
    assert ask(["/bin/sh", "-c", "echo 1.2; exec >&- 2>&-; sleep 61"], timeout_s=5) == "1.2\n"
    assert time.monotonic() - start < 5


def test_an_endless_answer_is_cut() -> None:
    answer = ask(["/usr/bin/yes"])
    assert answer is not None
    assert len(answer) == ANSWER_BYTES


@pytest.mark.parametrize("argv", [["/nowhere/at/all"], ["/etc/passwd"], ["/"]])
def test_what_can_not_be_started_has_no_answer(argv: list[str]) -> None:
    assert ask(argv) is None


def test_an_account_that_may_start_nothing_more_is_told_so(as_user: Account) -> None:
    code = "from sandbox_cli.host.ask import ask; ask(['/bin/true'])"
    done = as_user.run(["/usr/bin/prlimit", "--nproc=0", as_user.python, "-c", code])
    assert b"HostError: this account may not start another process" in done.stderr


def test_an_answer_is_remembered_until_the_file_changes(tmp_path: Path) -> None:
    log, file = tmp_path / "log", tmp_path / "x"
    file.write_text(f"#!/bin/sh\necho asked >>{log}\necho 1.0\n")
    file.chmod(0o755)
    assert [ask_once(file, "--version") for _ in range(3)] == ["1.0\n"] * 3
    assert log.read_text() == "asked\n"
    program(file, "2.0")
    os.utime(file, ns=(1, 1))
    assert ask_once(file, "--version") == "2.0\n"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("Python 3.11.2\n", "3.11.2"),
        ("v20.11.0\n", "20.11.0"),
        ("go version go1.22.1 linux/amd64\n", "1.22.1"),
        ("\nThis is perl 5, version 36, subversion 0 (v5.36.0) built for x86_64-linux-gnu\n", "5.36.0"),
        ("ruby 3.1.2p20 (2022-04-12 revision 4491bb740a) [x86_64-linux-gnu]\n", "3.1.2"),
        ('openjdk version "17.0.9" 2023-10-17\n', "17.0.9"),
        ("openjdk 21 2023-09-19\nOpenJDK Runtime Environment (build 21+35-2513)\n", "21"),
        ('java version "21" 2023-09-19 LTS\n', "21"),
        ("no number here, only 7\n", None),
        ("sh: 0: Illegal option --version\n", None),
    ],
)
def test_the_first_dotted_number_is_the_version_else_the_one_behind_the_name(said: str, number: str | None) -> None:
    assert first_number(said) == number


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("0.8.0", (0, 8), False),
        ("0.8", (0, 8, 0), False),
        ("0.7.9", (0, 8), True),
        ("0.10.0", (0, 8), False),
        ("0.9.72", (0, 9, 72), False),
        ("0.9.8", (0, 9, 72), True),
    ],
)
def test_versions_are_compared_number_by_number(version: str, than: tuple[int, ...], older: bool) -> None:
    assert is_older(version, than) is older
