"""The command in a hostile repository, to run what is in it: nothing of it is imported or obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.accounts import PATH

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox
    from tests.hostile.caller.tools import Tools


@pytest.fixture
def clone(tools: Tools, shared_tmp: Path) -> Path:
    """A hostile repository, into which somebody has gone to run what is in it."""
    top = shared_tmp / "clone"
    (top / "sandbox_cli").mkdir(parents=True)
    (top / "policies").mkdir()
    (top / ".config" / "sandbox" / "policies").mkdir(parents=True)
    (top / "sandbox" / "policies").mkdir(parents=True)
    hostile = f"open('{tools.drop}/IMPORTED', 'a').write(__name__)\n"
    modules = (
        "typer",
        "yaml",
        "jinja2",
        "signal",
        "sitecustomize",
        "usercustomize",
        "conftest",
        "psutil",
        "json",
        "backends",
    )
    for name in ("sandbox_cli/__init__", "sandbox_cli/__main__", *modules):
        (top / f"{name}.py").write_text(hostile)
    # Each would show the host's /etc, if anybody took it for the policy.
    policy = "extends: command\nfilesystem: {/etc: ro}\n"
    policy += "language: {name: python, extensions: [.py], file: x, run: [/bin/true]}\n"
    for folder in (".", "policies", ".config/sandbox/policies", "sandbox/policies"):
        for name in ("python", "command", "_base", ".sandbox", "sandbox"):
            (top / folder / f"{name}.yaml").write_text(policy)
    for folder in (".config/sandbox", "sandbox", "."):
        (top / folder / "config.yaml").write_text("backends: [none]\n")
    (top / ".env").write_text("SANDBOX_BACKEND=none\n")
    (top / "pyproject.toml").write_text("[tool.sandbox]\nbackend = 'none'\n")
    for name in ("bwrap", "nsjail", "firejail"):
        (top / name).write_text((tools.folder / "env.sh").read_text())
        (top / name).chmod(0o755)
    return top


def test_nothing_of_a_hostile_clone_is_imported_or_obeyed(sandbox: Sandbox, tools: Tools, clone: Path) -> None:
    installed = clone.parent / "sandbox"
    installed.write_text("import sys\nfrom sandbox_cli.__main__ import main\nsys.exit(main())\n")
    python = sandbox.account.python
    job = [
        "run",
        "-l",
        "python",
        "-c",
        "import os; print(os.path.exists('/etc/hostname'), os.path.exists('/etc/shadow'))",
    ]
    relative = {"PATH": f".::clone:{PATH}", "XDG_CONFIG_HOME": "sandbox", "HOME": "/nonexistent"}
    for start, env in (([str(installed)], {}), ([str(installed)], relative), (["-P", "-m", "sandbox_cli"], relative)):
        done = sandbox.account.run([python, *start, *job], cwd=clone, env=env)
        assert (done.returncode, done.stdout) == (0, b"False False\n"), done.stderr
        assert tools.obeyed() == set()
    # Controls: the interpreter told -m looks into the current directory first, and so does a shell that has it on PATH.
    sandbox.account.run([python, "-m", "sandbox_cli", *job], cwd=clone)
    assert tools.obeyed() == {"IMPORTED"}
    sandbox.account.run(["/bin/sh", "-c", "bwrap"], cwd=clone, env=relative)
    assert tools.obeyed() == {"ENV"}
    shown = sandbox.account.run([python, str(installed), "run", "-p", "./python.yaml", "-c", ""], cwd=clone)
    assert shown.returncode == 0, shown.stderr
