"""Every command that the README shows is run as it stands there, by an ordinary user, and ends as it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.accounts import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox

PAGE = (ROOT / "README.md").read_text()
EXITS = {"exits 124": 124, "exits 1 ": 1, "refused": 125}  # what a comment says of a command; else it succeeds


def commands() -> list[str]:
    """The lines of the README's sh blocks that use `sandbox`."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if re.search(r"(^|\| )sandbox ", line)]


def expected(command: str) -> int:
    _, _, comment = command.partition(" #")
    return next((code for words, code in EXITS.items() if words in comment), 0)


@pytest.fixture
def place(sandbox: Sandbox, shared_tmp: Path) -> Path:
    """A directory with the program and the policy that the page names, and `sandbox` on its own PATH."""
    (shared_tmp / "bin").mkdir()
    (shared_tmp / "bin" / "sandbox").write_text(f'#!/bin/sh\nexec {" ".join(sandbox.command)} "$@"\n')
    (shared_tmp / "bin" / "sandbox").chmod(0o755)
    (shared_tmp / "examples").mkdir()
    (shared_tmp / "examples" / "demo.py").write_text((ROOT / "examples" / "demo.py").read_text())
    (policy,) = re.findall(r"^```yaml\n(# offline-report.yaml\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (shared_tmp / "offline-report.yaml").write_text(policy)
    return shared_tmp


def test_the_readme_shows_commands() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("command", commands())
def test_command_of_the_readme_ends_as_it_says(command: str, sandbox: Sandbox, place: Path) -> None:
    path = f"{place}/bin:{sandbox.account.environment['PATH']}"
    done = sandbox.account.run(["sh", "-c", command], cwd=place, env={"PATH": path}, timeout=120)
    assert done.returncode == expected(command), (done.stdout[-500:], done.stderr[-500:])
