"""A folder of the caller's on its way into scratch: what is told of it, and what is refused."""

from __future__ import annotations

import os
import socket
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.run import folder, inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = stat.S_IFDIR | 0o755


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.mkdir()
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "scratch").mkdir()
    fd = os.open(tmp_path / "scratch", os.O_RDONLY)
    yield fd
    os.close(fd)


def told(source: Path) -> dict[str, bytes | None]:
    top = folder.open_top(str(source))
    try:
        return {os.fsdecode(path): target for path, _, target in folder.entries(top, "data")}
    finally:
        os.close(top)


def placed(scratch: int) -> Path:
    return Path(os.readlink(f"/proc/self/fd/{scratch}"))


def test_files_folders_and_links_are_told_with_what_links_say(source: Path) -> None:
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "file").write_text("x")
    (source / "sub" / "link").symlink_to("../file")
    assert told(source) == {"sub": None, "file": None, "sub/empty": None, "sub/link": b"../file"}


@pytest.mark.parametrize(
    ("links", "target"),
    [
        ({}, "file"),
        ({}, "./sub/../file"),
        ({}, "missing"),
        ({}, "missing/../file"),
        ({"sub/up": ".."}, "sub/up/file"),
        ({"a": "b", "b": "file"}, "a"),
        ({"deep": "sub/inner"}, "deep/../../file"),  # the link's own parent, not the name's
    ],
)
def test_link_that_stays_inside_is_kept(source: Path, links: dict[str, str], target: str) -> None:
    (source / "sub" / "inner").mkdir(parents=True)
    (source / "file").write_text("x")
    for name, says in {**links, "link": target}.items():
        (source / name).symlink_to(says)
    assert told(source)["link"] == target.encode()


@pytest.mark.parametrize(
    ("links", "target"),
    [
        ({}, "/etc/passwd"),
        ({}, ".."),
        ({}, "../outside"),
        ({}, "sub/../../outside"),
        ({"sub/up": ".."}, "sub/up/../outside"),  # looks as if it stayed inside
        ({"loop": "loop"}, "loop"),
    ],
)
def test_link_that_leads_out_is_refused_by_name(source: Path, links: dict[str, str], target: str) -> None:
    (source / "sub").mkdir()
    for name, says in {**links, "sub/link": f"../{target}" if not target.startswith("/") else target}.items():
        (source / name).symlink_to(says)
    with pytest.raises(UsageError, match=r"'data/\S+' is a link that leads out of 'data'"):
        told(source)


@pytest.mark.parametrize("kind", ["fifo", "socket"])
def test_what_is_no_file_is_refused_by_name(source: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(source)
    if kind == "fifo":
        os.mkfifo("x")
    else:
        socket.socket(socket.AF_UNIX).bind("x")
    with pytest.raises(UsageError, match=f"'data/x' is a {kind}"):
        told(source)


def test_tree_that_is_too_deep_is_refused(source: Path) -> None:
    deep = source
    for _ in range(200):
        deep = deep / "d"
        deep.mkdir()
    with pytest.raises(UsageError, match="lies too deep"):
        told(source)


def test_folder_arrives_byte_for_byte(source: Path, scratch: int) -> None:
    name = os.fsdecode(b"n\xff\n")
    (source / "sub" / "empty").mkdir(parents=True)
    (source / "sub" / name).write_bytes(b"\0\xff")
    (source / "tool").write_text("#!/bin/sh\n")
    (source / "tool").chmod(0o4711)
    (source / "private").write_text("x")
    (source / "private").chmod(0o600)
    (source / "link").symlink_to("sub")
    known = inputs.put(scratch, [(b"in/data", str(source), FOLDER)], None)
    there = placed(scratch) / "in" / "data"
    assert (there / "sub" / name).read_bytes() == b"\0\xff"
    assert (there / "sub" / "empty").is_dir()
    assert os.readlink(there / "link") == "sub"
    modes = {path.name: stat.S_IMODE(path.lstat().st_mode) for path in there.iterdir() if not path.is_symlink()}
    assert modes == {"sub": 0o755, "tool": 0o755, "private": 0o644}
    assert known.keys() == {b"in/data/tool", b"in/data/private", b"in/data/link", b"in/data/sub/" + os.fsencode(name)}


def test_what_was_put_first_stays(source: Path, scratch: int) -> None:
    (source / "main.py").write_text("the folder's")
    (source / "other.py").write_text("x")
    inputs.put(scratch, [(b"main.py", b"the code", 0o644), (b"", str(source), FOLDER)], None)
    assert {path.name: path.read_text() for path in placed(scratch).iterdir()} == {
        "main.py": "the code",
        "other.py": "x",
    }


def test_source_that_is_a_link_is_followed(source: Path, scratch: int, tmp_path: Path) -> None:
    (source / "file").write_text("x")
    (tmp_path / "link").symlink_to(source)
    inputs.put(scratch, [(b"data", str(tmp_path / "link"), FOLDER)], None)
    assert (placed(scratch) / "data" / "file").read_text() == "x"


def test_folder_that_holds_scratch_is_refused(scratch: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds the job's own scratch"):
        inputs.put(scratch, [(b"data", str(tmp_path), FOLDER)], None)


def test_name_of_the_value_is_refused_in_a_folder_too(source: Path, scratch: int) -> None:
    (source / ".sandbox-value").write_text("1")
    with pytest.raises(UsageError, match="name of the job's value"):
        inputs.put(scratch, [(b"", str(source), FOLDER)], None)


def test_file_that_becomes_a_link_or_a_fifo_meanwhile_brings_nothing_from_outside(source: Path, tmp_path: Path) -> None:
    """Somebody changes the folder all the time: what arrives is of the folder, or nothing does."""
    (tmp_path / "secret").write_text("secret")
    (source / "sub").mkdir()
    over = threading.Event()

    def swap() -> None:
        number = 0
        while not over.is_set():
            number += 1
            made = source / f".{number}"
            if number % 3 == 0:
                made.write_text("own")
            elif number % 3 == 1:
                made.symlink_to(tmp_path / "secret")
            else:
                os.mkfifo(made)
            made.replace(source / "file")
            away = source / f".d{number}"
            (source / "sub").rename(away)
            (source / "sub").symlink_to(tmp_path)
            (source / "sub").unlink()
            away.rename(source / "sub")

    thread = threading.Thread(target=swap)
    thread.start()
    arrived: set[str] = set()
    try:
        for number in range(300):
            target = tmp_path / f"target-{number}"
            target.mkdir()
            fd = os.open(target, os.O_RDONLY)
            try:
                inputs.put(fd, [(b"data", str(source), FOLDER)], None)
            except (UsageError, HostError):
                pass
            finally:
                os.close(fd)
            arrived |= {path.read_text() for path in target.rglob("*") if path.is_file() and not path.is_symlink()}
            assert not any(path.is_symlink() for path in target.rglob("*"))
    finally:
        over.set()
        thread.join()
    assert arrived == {"own"} or arrived == {"own", ""}
