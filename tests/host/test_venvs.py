from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import UsageError
from sandbox_cli.host import venvs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """An interpreter called through links, and a virtual environment that rests on it."""
    real = tmp_path / "versions" / "3.12.4" / "bin" / "python3.12"
    real.parent.mkdir(parents=True)
    real.write_text("")
    (tmp_path / "versions" / "3.12").symlink_to("3.12.4")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3.12").symlink_to("../versions/3.12/bin/python3.12")
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    (venv / "bin" / "python3").symlink_to(tmp_path / "bin" / "python3.12")
    (venv / "bin" / "python").symlink_to("python3")
    (venv / "pyvenv.cfg").write_text(f"home = {tmp_path}/versions/3.12/bin\nversion = 3.12.4\n")
    return venv


def test_all_links_on_the_way_to_the_interpreter_are_told_but_its_own(made: Path) -> None:
    top = made.parent
    venv = venvs.read(str(made))
    assert (venv.path, venv.python) == (made, f"{made}/bin/python")
    assert venv.base == top / "versions" / "3.12.4" / "bin" / "python3.12"
    assert venv.links == (
        (f"{top}/bin/python3.12", "../versions/3.12/bin/python3.12"),
        (f"{top}/versions/3.12", "3.12.4"),
    )


def test_a_link_to_a_directory_is_that_directory(made: Path) -> None:
    (made.parent / "link").symlink_to(made)
    assert venvs.read(str(made.parent / "link")).path == made


def test_a_relative_directory_is_looked_up_from_here(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made.parent)
    assert venvs.read("venv").path == made


@pytest.mark.parametrize("key", ["version = 3.12.4", "version_info = 3.12.4.final.0", "executable = {real}", ""])
def test_the_interpreter_of_a_copy_is_what_the_settings_tell(made: Path, key: str) -> None:
    real = made.parent / "versions" / "3.12.4" / "bin" / "python3.12"
    (real.parent / "python3").symlink_to(real.name)
    (made / "bin" / "python3").unlink()
    (made / "bin" / "python3").write_text("a copy")
    (made / "pyvenv.cfg").write_text(f"home = {real.parent}\n{key.format(real=real)}\n")
    assert venvs.read(str(made)).base == real


def test_a_link_elsewhere_in_the_settings_is_not_told(made: Path) -> None:
    """Only what leads to the interpreter itself is made again in a jail."""
    (made.parent / "elsewhere").symlink_to("/etc")
    (made / "pyvenv.cfg").write_text(f"home = {made.parent}/elsewhere\nversion = 3.12.4\n")
    assert f"{made.parent}/elsewhere" not in dict(venvs.read(str(made)).links)


def test_settings_that_are_a_fifo_are_no_settings(made: Path) -> None:
    (made / "pyvenv.cfg").unlink()
    os.mkfifo(made / "pyvenv.cfg")
    with pytest.raises(UsageError, match=r"it has no pyvenv\.cfg"):
        venvs.read(str(made))


def test_a_loop_of_links_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match="there is no such directory"):
        venvs.read(str(tmp_path / "loop"))
