"""One more jailer is one more entry of the dict: all that asks about backends takes it as it is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import BACKENDS
from tests.accounts import ROOT
from tests.cli.test_render import paste

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox

    Command = Callable[..., subprocess.CompletedProcess[bytes]]

# bwrap under a name, an order and a question of its own; nothing but the dict hears of it.
COMMAND = """
import sys
from dataclasses import replace
from types import SimpleNamespace
from sandbox_cli.backends import BACKENDS, bwrap

def render(policy, host):
    return bwrap.render(policy, replace(host, jailers={"bwrap": host.jailers["fourth"]}))

BACKENDS["fourth"] = SimpleNamespace(**{**vars(bwrap), "NAME": "fourth", "QUESTION": "--help", "ANSWER": "usage: .*",
                                        "WHEEL": None, "INSTALL": None, "render": render, **CHANGES})
from sandbox_cli.__main__ import main
main()
"""


@pytest.fixture
def command(sandbox: Sandbox, shared_tmp: Path, needs: Callable[[str], None]) -> Command:
    needs("bwrap")

    def run(*words: str, changes: str = "{}") -> subprocess.CompletedProcess[bytes]:
        script = shared_tmp / "command.py"
        script.write_text(f"CHANGES = {changes}\n{COMMAND}")
        return sandbox.account.run([sandbox.account.python, str(script), *words])

    return run


def test_doctor_weighs_it_as_the_others(command: Command) -> None:
    answer = json.loads(command("doctor", "--json").stdout)
    ours = {each["name"]: each for each in answer["backends"]}
    assert list(ours) == [*BACKENDS, "fourth"]
    assert (ours["fourth"]["usable"], ours["fourth"]["version"]) == (True, "unknown")
    assert ours["fourth"]["clauses"] == ours["bwrap"]["clauses"]
    assert b"fourth" in command("doctor").stdout


def test_it_is_chosen_by_name_and_runs_a_job(command: Command) -> None:
    result = json.loads(command("exec", "-b", "fourth", "--json", "--", "echo", "hello").stdout)
    assert (result["status"], result["stdout"]) == ("ok", "hello\n"), result
    assert (result["receipt"]["backend"], result["receipt"]["chosen"]) == ("fourth", "from --backend")


def test_what_it_renders_runs_when_it_is_pasted(command: Command, sandbox: Sandbox) -> None:
    rendered = command(
        "render", "-b", "fourth", "-e", "A=b c", "-l", "python", "-c", "import os; print(os.environ['A'])"
    )
    assert paste(sandbox, rendered.stdout).stdout == b"b c\n", rendered.stderr


def test_languages_are_listed_with_it(command: Command) -> None:
    done = command("languages", "--json")
    assert "python" in {each["name"] for each in json.loads(done.stdout)["languages"]}


def test_one_that_is_not_installed_says_which_version_is_needed(command: Command) -> None:
    result = json.loads(
        command("exec", "-b", "fourth", "--json", "--", "true", changes="{'PROGRAMS': ['fourth']}").stdout
    )
    assert (result["status"], result["error"]["hint"]) == ("refused", "install fourth 0.8 or newer")


def test_one_that_fails_when_it_is_asked_is_told_in_its_words(command: Command) -> None:
    changes = "{'QUESTION': '--no-such-option'}"
    result = json.loads(command("exec", "-b", "fourth", "--json", "--", "true", changes=changes).stdout)
    assert "fails when asked --no-such-option: bwrap: Unknown option" in result["error"]["message"]
    assert "too old" in result["error"]["hint"]


def test_no_code_outside_of_the_backends_asks_for_one_by_name() -> None:
    """A name in prose is no harm; one that is a value is a table or a branch that the next jailer is missing from."""
    files = [path for path in (ROOT / "sandbox_cli").glob("*/*.py") if path.parent.name != "backends"]
    assert len(files) > 50
    name = re.compile("[\"'](" + "|".join(BACKENDS) + ")[\"']")
    assert [str(path) for path in files if name.search(path.read_text())] == []
