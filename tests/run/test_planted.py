"""What a job made that nobody wants is set aside, and nothing else is touched."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox_cli.run.planted import Planted


def test_what_came_meanwhile_gets_another_name_in_its_folder(tmp_path: Path) -> None:
    planted = Planted([f"{tmp_path}/file", f"{tmp_path}/folder", f"{tmp_path}/link", f"{tmp_path}/none"])
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("/nowhere")
    said = planted.set_aside()
    assert sorted(path.name.partition(".untrusted-")[0] for path in tmp_path.iterdir()) == ["file", "folder", "link"]
    assert not {"file", "folder", "link"} & set(os.listdir(tmp_path))
    assert len(said) == 3
    assert said[0].startswith(f"the job made {tmp_path}/file, which git would obey: it is called file.untrusted-")
    assert planted.set_aside() == []


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert Planted([f"{tmp_path}/file"]).set_aside() == []
    assert os.listdir(tmp_path) == ["file"]


def test_folder_that_is_a_link_by_then_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    planted = Planted([f"{tmp_path}/link/file", f"{tmp_path}/gone/file"])
    (tmp_path / "real" / "file").write_text("x")
    assert planted.set_aside() == []


def test_folder_that_was_moved_is_still_the_one(tmp_path: Path) -> None:
    (tmp_path / "git").mkdir()
    (tmp_path / "other").mkdir()
    planted = Planted([f"{tmp_path}/git/file"])
    (tmp_path / "git" / "file").write_text("x")
    (tmp_path / "git").rename(tmp_path / "moved")
    (tmp_path / "git").symlink_to("other")
    (tmp_path / "other" / "file").write_text("somebody's")
    assert len(planted.set_aside()) == 1
    assert (tmp_path / "other" / "file").exists()
    assert not (tmp_path / "moved" / "file").exists()
