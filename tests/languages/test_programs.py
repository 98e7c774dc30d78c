"""What holds in every interpreted language: arguments, names of files, exit codes, errors, output as it is written."""

from __future__ import annotations

import select
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.languages import shipped
from tests.languages.programs import PROGRAMS
from tests.languages.shipped import LANGUAGES

if TYPE_CHECKING:
    from tests.accounts import Sandbox
    from tests.contract.conftest import Driver

ARGUMENTS = [
    "--version", "-x", "--", "", "-e", "-", "--help", "-c", "a  b", "--file=x", "-g", "$HOME", "*", "'", '"', "\\",
    "\\n", "a=b", "@x", "ü", "two\nlines", "{{ file }}", "%d", "-i", "+x", ".quit", "--eval", "-",
]  # fmt: skip
NAMES = ["-x", "--version", "a  b", "ünï", "it's", 'a"b', "a$b;c", "#a=b", "*", "@[a]", "~", "a\\b"]

bwrap = pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
user = pytest.mark.parametrize("account", ["user"], indirect=True)
interpreted = pytest.mark.parametrize("language", PROGRAMS, indirect=True)


def test_every_interpreted_language_is_tried() -> None:
    assert {name for name, spec in LANGUAGES.items() if spec.compile is None} <= PROGRAMS.keys()


@interpreted
@user
def test_arguments_are_the_programs_and_its_exit_code_is_the_jobs(language: str, backend: str, driver: Driver) -> None:
    outcome = driver.run(
        {"code": b"", "language": language, "backend": backend},
        shipped.work(LANGUAGES[language].file, PROGRAMS[language].echo, args=ARGUMENTS),
    )
    assert outcome["stdout"].decode() == "".join(f"[{word}]\n" for word in ARGUMENTS)
    assert (outcome["exit_code"], outcome["stderr"]) == (3, b"")


@interpreted
@bwrap
@user
def test_a_file_runs_whatever_its_name(language: str, backend: str, driver: Driver) -> None:
    extension = LANGUAGES[language].extensions[0]
    wrong = {}
    for name in [*(f"{stem}{extension}" for stem in NAMES), "none"]:
        plan = driver.plan({"file": f"/anywhere/{name}", "language": language, "backend": backend})
        outcome = driver.run(work=shipped.work(name, PROGRAMS[language].echo, args=["--", name]), plan=plan)
        if (outcome["exit_code"], outcome["stdout"].decode()) != (3, f"[--]\n[{name}]\n"):
            wrong[name] = outcome["stdout"] + outcome["stderr"]
    assert wrong == {}


@interpreted
@bwrap
@user
def test_an_error_that_nothing_catches_is_told_and_ends_with_another_status(
    language: str, backend: str, driver: Driver
) -> None:
    outcome = driver.run(
        {"code": b"", "language": language, "backend": backend},
        shipped.work(LANGUAGES[language].file, PROGRAMS[language].error),
    )
    assert (outcome["status"], outcome["stdout"]) == ("nonzero-exit", b"")
    assert outcome["stderr"].count(PROGRAMS[language].word) >= 1


@interpreted
@bwrap
@user
def test_a_shebang_line_that_names_the_language_does_no_harm(language: str, backend: str, driver: Driver) -> None:
    rest = "!#\n" if language == "scheme" else ""  # Guile takes #! for the beginning of a comment of many lines
    source = f"#!/usr/bin/env -S sandbox run -l {language}\n{rest}{PROGRAMS[language].echo}"
    outcome = driver.run(
        {"code": b"", "language": language, "backend": backend},
        shipped.work(LANGUAGES[language].file, source, args=["one"]),
    )
    assert (outcome["exit_code"], outcome["stdout"], outcome["stderr"]) == (3, b"[one]\n", b"")


@pytest.mark.parametrize("language", [name for name, each in PROGRAMS.items() if each.prompt], indirect=True)
@bwrap
@user
def test_output_comes_as_it_is_written(language: str, backend: str, sandbox: Sandbox) -> None:
    prompt = PROGRAMS[language].prompt
    assert prompt is not None
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 0}
    with sandbox.popen("run", "-b", backend, "-l", language, "-c", prompt, **pipes) as job:
        assert job.stdin is not None
        assert job.stdout is not None
        ready, _, _ = select.select([job.stdout], [], [], 8)  # less than its 10 s, so that its end can't bring it
        told = job.stdout.read(1) if ready else b""
        job.stdin.write(b"end.\n")
        job.stdin.close()
        assert (told, job.wait(10)) == (b"?", 0)


@pytest.mark.parametrize("language", ["node"], indirect=True)
@bwrap
def test_a_jit_stays_under_the_memory_limit_of_its_policy(language: str, backend: str, driver: Driver) -> None:
    """1 GiB of short-lived objects, with 512 MiB for all: it must collect them, whatever the host's memory is."""
    churn = """
        const kept = [];
        for (let i = 0; i < 4096; i++) kept[i % 32] = new Array(1 << 15).fill(i + 0.5);
        console.log(kept.length);
    """
    outcome = driver.run(
        {"code": b"", "language": language, "backend": backend}, shipped.work(LANGUAGES[language].file, churn)
    )
    assert (outcome["status"], outcome["stdout"]) == ("ok", b"32\n"), outcome["cause"]


@pytest.mark.parametrize("language", ["r"], indirect=True)
@user
def test_a_plot_is_all_that_r_leaves(language: str, backend: str, driver: Driver) -> None:
    outcome = driver.run(
        {"code": b"", "language": language, "backend": backend},
        shipped.work(LANGUAGES[language].file, 'png("plot.png")\nplot(1:3, main = "text")\ninvisible(dev.off())'),
    )
    assert (outcome["status"], outcome["stderr"]) == ("ok", b"")
    assert [artifact["path"] for artifact in outcome["artifacts"]] == [b"plot.png"]
