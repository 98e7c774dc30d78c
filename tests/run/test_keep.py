"""Scratch as it is kept: what comes along, and what can't be had by it."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.run import keep
from sandbox_cli.run.keep import Keeping
from sandbox_cli.run.scratch import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.result import Kept
    from tests.accounts import Account


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "scratch"
    path.mkdir()
    yield path
    subprocess.run(["rm", "-rf", path], check=True)  # deeper than pytest removes


def kept(scratch: Path, target: Path, *, most: float | None = None, cancel: int | None = None) -> Kept:
    fd = os.open(scratch, os.O_RDONLY)
    keeping = Keeping(str(target))
    try:
        return keeping.take(fd, most, cancel)
    finally:
        keeping.close()
        os.close(fd)


def test_files_folders_links_and_modes_are_kept(scratch: Path, tmp_path: Path) -> None:
    (scratch / "sub" / "empty").mkdir(parents=True)
    (scratch / "sub").chmod(0o3777)
    (scratch / "tool").write_bytes(b"\0\xff")
    (scratch / "tool").chmod(0o6751)
    (scratch / os.fsdecode(b"n\xff\n..")).write_text("odd")
    (scratch / "out").symlink_to("/etc/shadow")
    there = tmp_path / "kept"
    assert kept(scratch, there) == {"path": str(there), "omitted": []}
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in (there, there / "sub", there / "tool")}
    assert modes == {"kept": 0o700, "sub": 0o777, "tool": 0o751}
    assert (there / "tool").read_bytes() == b"\0\xff"
    assert os.readlink(there / "out") == "/etc/shadow"
    assert os.listdir(os.fsencode(there / "sub")) == [b"empty"]
    assert b"n\xff\n.." in os.listdir(os.fsencode(there))
    assert {path.lstat().st_uid for path in there.rglob("*")} == {os.geteuid()}


def test_what_is_neither_file_folder_nor_link_is_left_out_and_said(scratch: Path, tmp_path: Path) -> None:
    os.mkfifo(scratch / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(scratch / "socket"))
    found = kept(scratch, tmp_path / "kept")
    why = "neither a file nor a folder nor a link"
    assert sorted(found["omitted"]) == [(b"fifo", why), (b"socket", why)]
    assert os.listdir(tmp_path / "kept") == []


def test_holes_stay_holes(scratch: Path, tmp_path: Path) -> None:
    with (scratch / "sparse").open("wb") as file:
        file.truncate(1 << 40)
        file.seek(1 << 39)
        file.write(b"middle")
    kept(scratch, tmp_path / "kept")
    found = (tmp_path / "kept" / "sparse").stat()
    assert (found.st_size, found.st_blocks <= 16) == (1 << 40, True)
    with (tmp_path / "kept" / "sparse").open("rb") as file:
        file.seek(1 << 39)
        assert file.read(6) == b"middle"


def test_tree_that_is_too_deep_is_cut_and_said(scratch: Path, tmp_path: Path) -> None:
    fd = os.open(scratch, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    found = kept(scratch, tmp_path / "kept")
    assert [why for _, why in found["omitted"]] == ["can't be entered, or lies too deep"]
    assert remove_tree(str(scratch), ours=True)  # it is too deep for pytest, too


def test_no_more_is_kept_than_scratch_may_hold(scratch: Path, tmp_path: Path) -> None:
    for name in "abc":
        (scratch / name).write_bytes(bytes(2 << 20))
    found = kept(scratch, tmp_path / "kept", most=3 << 20)
    assert found["omitted"] == [(b".", "all that follows: there was more than scratch may hold")]
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) <= 3 << 20


def test_full_disk_is_said_and_no_error(scratch: Path, tmp_path: Path, as_root: Account) -> None:
    for number in range(20):
        (scratch / f"d{number:02}").mkdir()
        (scratch / f"d{number:02}" / "file").write_bytes(bytes(20_000))
    (tmp_path / "small").mkdir()
    code = f"""
import os
from sandbox_cli.run.keep import Keeping
keeping = Keeping({str(tmp_path / "small" / "kept")!r})
print(keeping.take(os.open({str(scratch)!r}, os.O_RDONLY), None, None)["omitted"])
"""
    mounted = f'mount -t tmpfs -o size=100k none {tmp_path}/small && exec "$@"'
    words = ["unshare", "-m", "sh", "-c", mounted, "sh", as_root.python, "-c", code]
    done = as_root.run(words)
    assert done.stdout == b"[(b'.', 'all that follows: No space left on device')]\n", done.stderr


def test_number_of_names_is_bounded(scratch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "MOST_NAMES", 5)
    for number in range(10):
        (scratch / str(number)).write_text("")
    assert kept(scratch, tmp_path / "kept")["omitted"] == [(b".", "there were more than 5 names")]
    assert len(os.listdir(tmp_path / "kept")) == 5


def test_second_signal_ends_it(scratch: Path, tmp_path: Path) -> None:
    (scratch / "file").write_text("x")
    readable, writable = os.pipe()
    os.write(writable, b"\x0f")
    found = kept(scratch, tmp_path / "kept", cancel=readable)
    os.close(readable)
    os.close(writable)
    assert len(found["omitted"]) == 1
    assert "cancelled" in found["omitted"][0][1]


def test_directory_that_nothing_was_put_into_is_gone(tmp_path: Path) -> None:
    keeping = Keeping(str(tmp_path / "kept"))
    assert (tmp_path / "kept").is_dir()
    keeping.close()
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("stands", ["folder", "link"])
def test_what_stands_there_is_not_used(tmp_path: Path, stands: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    with pytest.raises(HostError, match="File exists"):
        Keeping(str(tmp_path / stands))
