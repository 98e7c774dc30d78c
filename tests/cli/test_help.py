"""Every help page comes with -h as with --help, and offers nothing that is refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.policy.units import LIMITS
from tests.accounts import Sandbox

if TYPE_CHECKING:
    from tests.accounts import Account
    from tests.cli.conftest import Command

COMMANDS = [
    [], ["run"], ["exec"], ["render"], ["doctor"], ["languages"], ["verify"], ["batch"], ["clean"],
    ["policy"], ["policy", "list"], ["policy", "show"], ["policy", "check"], ["policy", "diff"],
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_h_shows_the_same_page_as_help(command: Command, words: list[str]) -> None:
    short, long = command(*words, "-h"), command(*words, "--help")
    assert (short.code, short.out, short.err) == (0, long.out, "")
    assert short.out.startswith(f"Usage: {' '.join(['sandbox', *words])} ")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_that_nothing_takes_is_said_without_a_traceback(
    words: list[str], as_user: Account, launcher: Path
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = Sandbox(as_user)(*words, "--help", stdout=full)
    assert done.returncode == 125
    assert done.stderr == (
        b"sandbox: can't write to standard output: No space left on device\nhint: send it elsewhere, or make room\n"
    )


@pytest.mark.parametrize("words", [[], ["policy"]], ids=" ".join)
def test_every_command_is_told_of_whole_in_80_columns(
    command: Command, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = command(*words, "-h").out.partition("Commands:\n")[2]
    assert listed
    assert "..." not in listed


def test_h_behind_a_program_is_its_own(command: Command) -> None:
    assert "Usage" not in command("exec", "--", "true", "-h").out


@pytest.mark.parametrize(("name", "offers"), [("run", True), ("render", True), ("exec", False)])
def test_only_what_takes_code_offers_it(command: Command, name: str, offers: bool) -> None:
    assert bool(re.search(r"^ +-c ", command(name, "-h").out, re.MULTILINE)) is offers


@pytest.mark.parametrize("name", ["run", "exec", "render", "batch"])
def test_help_of_a_job_names_every_limit(command: Command, name: str) -> None:
    said = command(name, "-h").out
    assert [limit for limit in LIMITS if not re.search(rf"\b{limit}\b", said)] == []
