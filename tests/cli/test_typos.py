"""A file's name with a typo gets the nearest that stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("words", [["run", "progam.py"], ["run", "-f", "progam.py", "program.py"]])
def test_the_nearest_file_with_the_same_ending_is_named(sandbox: Sandbox, shared_tmp: Path, words: list[str]) -> None:
    (shared_tmp / "program.py").write_text("print(1)")
    done = sandbox(*words, cwd=shared_tmp)
    assert done.returncode == 125
    said = b"sandbox: 'progam.py' can't be read: No such file or directory\nhint: did you mean 'program.py'?\n"
    assert done.stderr == said


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_a_file_of_quite_another_name_is_not(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "ok.py").write_text("print(1)")
    assert b"did you mean" not in sandbox("run", "nope.py", cwd=shared_tmp).stderr
