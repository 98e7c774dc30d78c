from __future__ import annotations

from pathlib import Path

import pytest

from sandbox_cli.host.shims import is_script, leads_elsewhere, real_programs, stands_for_another
from tests.host.programs import program


@pytest.fixture
def pyenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PYENV_VERSION", raising=False)
    root = tmp_path / ".pyenv"
    program(root / "shims" / "python3", "a shim")
    for version in ("3.9.18", "3.12.4", "3.10.1"):
        program(root / "versions" / version / "bin" / f"python{version[:4].rstrip('.')}", version)
        (root / "versions" / version / "bin" / "python3").symlink_to(f"python{version[:4].rstrip('.')}")
    (root / "versions" / "broken").mkdir()
    return root


def names(root: Path) -> list[str]:
    return [file.name for file in real_programs(root / "shims" / "python3")]


def test_a_pyenv_shim_is_every_version_that_it_can_start_the_newest_first(pyenv: Path) -> None:
    assert names(pyenv) == ["python3.12", "python3.10", "python3.9"]


def test_the_version_that_is_set_for_the_account_comes_first(pyenv: Path) -> None:
    (pyenv / "version").write_text("3.9.18\nsystem\n")
    assert names(pyenv) == ["python3.9", "python3.12", "python3.10"]


def test_the_version_that_the_environment_names_comes_first(pyenv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pyenv / "version").write_text("3.9.18\n")
    monkeypatch.setenv("PYENV_VERSION", "3.10.1:3.9.18")
    assert names(pyenv) == ["python3.10", "python3.9", "python3.12"]


def test_the_current_directory_does_not_choose_a_version(
    pyenv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".python-version").write_text("3.9.18\n")
    monkeypatch.chdir(tmp_path)
    assert names(pyenv)[0] == "python3.12"


def test_a_shim_with_nothing_behind_it_is_itself(pyenv: Path) -> None:
    shim = program(pyenv / "shims" / "pypy", "a shim")
    assert real_programs(shim) == [shim]


def test_a_link_is_followed_through_the_alternatives(tmp_path: Path) -> None:
    file = program(tmp_path / "java-17", "17")
    (tmp_path / "alternative").symlink_to(file)
    (tmp_path / "java").symlink_to("alternative")
    assert real_programs(tmp_path / "java") == [file]


def test_scripts_and_programs_that_look_at_their_name_are_known(tmp_path: Path) -> None:
    assert is_script(program(tmp_path / "x", "1"))
    assert not is_script(Path("/usr/bin/env"))
    assert not is_script(tmp_path / "missing")
    assert stands_for_another(tmp_path / "busybox")
    assert not stands_for_another(Path("/usr/bin/env"))


def test_a_script_of_a_package_leads_nowhere_else_than_the_package(tmp_path: Path) -> None:
    assert is_script(Path("/usr/bin/ldd"))
    assert not leads_elsewhere(Path("/usr/bin/ldd"))
    assert not leads_elsewhere(Path("/usr/bin/env"))
    assert leads_elsewhere(program(tmp_path / "x", "1"))


def test_a_script_that_an_administrator_put_in_place_may_lead_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox_cli.host.shims.is_script", lambda _: True)
    assert leads_elsewhere(Path("/usr/local/bin/ghc"))
    assert not leads_elsewhere(Path("/usr/local/lib/node_modules/typescript/bin/tsc"))
