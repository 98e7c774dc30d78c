"""Files into and out of scratch, by its fd."""

from __future__ import annotations

import mmap
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.errors import UsageError
from sandbox_cli.run import artifacts, inputs, tree

TAKEN = "can't be saved: a file or a folder of that name is there already"
ALL: Any = {"collect": ["**"], "max_files": 100, "max_bytes": 1 << 20}


def paths(found: list[Any]) -> list[bytes]:
    return [each["path"] for each in found]


def test_inputs_arrive_with_their_mode_below_folders(fd: int, scratch: Path, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"from the host")
    os.umask(os.umask(0o077))
    inputs.put(fd, [(b"a/b/script", b"#!/bin/sh\n", 0o755), (b"data", str(tmp_path / "source"), 0o644)], None)
    assert (scratch / "a/b/script").read_bytes() == b"#!/bin/sh\n"
    assert (scratch / "a/b/script").stat().st_mode & 0o777 == 0o755
    assert (scratch / "data").read_bytes() == b"from the host"


def test_an_input_that_is_gone_or_no_file_is_a_usage_error(fd: int, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "gone", tmp_path / "fifo", tmp_path):
        with pytest.raises(UsageError, match="can't put the input 'x' into scratch"):
            inputs.put(fd, [(b"x", str(path), 0o644)], None)
        (tmp_path / "scratch" / "x").unlink(missing_ok=True)


def test_only_what_the_job_made_or_changed_is_returned(fd: int, scratch: Path) -> None:
    known = inputs.put(fd, [(b"same", b"1", 0o644), (b"changed", b"2", 0o644), (b"main.py", b"3", 0o644)], None)
    (scratch / "changed").write_bytes(b"22")
    (scratch / "main.py").write_bytes(b"33")
    (scratch / "new").write_bytes(b"made")
    found, omitted = artifacts.collect(fd, ALL, known, b"main.py", None)
    assert paths(found) == [b"changed", b"new"]
    assert found[1]["content"] == b"made"
    assert found[1]["sha256"] == sha256(b"made").hexdigest()
    assert omitted == []


def test_what_is_no_regular_file_is_left_out_with_its_kind(fd: int, scratch: Path) -> None:
    (scratch / "link").symlink_to("/etc/shadow")
    os.mkfifo(scratch / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(scratch / "socket"))
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert found == []
    assert omitted == [(b"fifo", "fifo"), (b"link", "symbolic link"), (b"socket", "socket")]


def test_number_and_size_are_bounded(fd: int, scratch: Path) -> None:
    for name in "abcd":
        (scratch / name).write_bytes(b"x" * 40)
    found, omitted = artifacts.collect(fd, {"collect": ["**"], "max_files": 3, "max_bytes": 100}, {}, None, None)
    assert paths(found) == [b"a", b"b"]
    assert [reason.split(" (")[0] for _, reason in omitted] == ["over artifacts.max_bytes"] * 2
    _, omitted = artifacts.collect(fd, {"collect": ["**"], "max_files": 1, "max_bytes": 100}, {}, None, None)
    assert omitted[0] == (b"b", "over artifacts.max_files (1)")


def test_saved_files_keep_their_folders_and_never_replace_one(fd: int, scratch: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_bytes(b"mine")
    (scratch / "old").write_bytes(b"theirs")
    (scratch / "plots").mkdir()
    for name in ("a", "b"):
        (scratch / "plots" / name).write_bytes(name.encode())
    found, omitted = artifacts.collect(fd, ALL, {}, None, str(out))
    assert [(out / "plots" / name).read_text() for name in "ab"] == ["a", "b"]
    assert (out / "old").read_bytes() == b"mine"
    assert found[0]["saved_to"] == str(out / "plots" / "a")
    assert omitted == [(b"old", TAKEN)]


def test_nothing_is_put_into_a_folder_that_was_there_before(fd: int, scratch: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / ".git" / "hooks").mkdir(parents=True)
    (scratch / ".git" / "hooks").mkdir(parents=True)
    (scratch / ".git" / "hooks" / "post-checkout").write_text("#!/bin/sh\n")
    found, omitted = artifacts.collect(fd, ALL, {}, None, str(out))
    assert (found, omitted) == ([], [(b".git/hooks/post-checkout", TAKEN)])
    assert list((out / ".git" / "hooks").iterdir()) == []


def test_a_link_below_the_output_directory_is_not_written_through(fd: int, scratch: Path, tmp_path: Path) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (out / "plots").symlink_to(outside)
    (scratch / "plots").mkdir()
    (scratch / "plots" / "x").write_bytes(b"")
    found, omitted = artifacts.collect(fd, ALL, {}, None, str(out))
    assert found == []
    assert omitted[0][0] == b"plots/x"
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("**", [b"a.png", b"d/b.png", b"d/e/c.txt"]),
        ("*.png", [b"a.png"]),
        ("**/*.png", [b"a.png", b"d/b.png"]),
        ("d/**", [b"d/b.png", b"d/e/c.txt"]),
        ("*/b.*", [b"d/b.png"]),
        ("d/**/c.txt", [b"d/e/c.txt"]),
        ("./a.png", [b"a.png"]),
        ("nothing", []),
    ],
)
def test_globs_stay_within_a_folder_but_for_two_stars(fd: int, scratch: Path, glob: str, expected: list[bytes]) -> None:
    (scratch / "d" / "e").mkdir(parents=True)
    for name in ("a.png", "d/b.png", "d/e/c.txt"):
        (scratch / name).write_bytes(b"")
    found, _ = artifacts.collect(fd, ALL | {"collect": [glob]}, {}, None, None)
    assert paths(found) == expected


def test_names_that_are_not_utf_8_come_back_as_bytes(fd: int, scratch: Path) -> None:
    Path(os.fsdecode(os.fsencode(scratch) + b"/\xff\n")).write_bytes(b"")
    found, _ = artifacts.collect(fd, ALL, {}, None, None)
    assert paths(found) == [b"\xff\n"]


def test_what_the_job_closed_comes_back_all_the_same(fd: int, scratch: Path) -> None:
    (scratch / "a" / "b").mkdir(parents=True)
    (scratch / "a" / "b" / "file").write_bytes(b"1")
    for path, mode in (("a/b/file", 0), ("a/b", 0), ("a", 0o500)):
        (scratch / path).chmod(mode)
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert (paths(found), omitted) == ([b"a/b/file"], [])


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o200, 0o100, 0])
def test_a_folder_comes_back_whatever_its_mode(mode: int, fd: int, scratch: Path) -> None:
    (scratch / "d").mkdir()
    (scratch / "d" / "x").write_bytes(b"1")
    (scratch / "d").chmod(mode)
    scratch.chmod(mode)
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert (paths(found), omitted) == ([b"d/x"], [])


def test_what_is_written_through_a_mapping_is_a_change(fd: int, scratch: Path) -> None:
    """On a tmpfs, as scratch mostly is, it changes no time."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("there is no tmpfs to write to")
    folder = tempfile.mkdtemp(dir="/dev/shm")
    there = os.open(folder, tree.FOLDER)
    try:
        known = inputs.put(there, [(b"array", b"1" * 9000, 0o644), (b"same", b"2", 0o644)], None)
        with open(f"{folder}/array", "r+b") as file, mmap.mmap(file.fileno(), 9000) as mapping:
            assert mapping[8999] == ord("1")
            mapping[8999] = ord("x")
        found, _ = artifacts.collect(there, ALL, known, None, None)
        assert paths(found) == [b"array"]
    finally:
        os.close(there)
        shutil.rmtree(folder)


def test_a_file_that_grows_while_it_is_read_ends_where_it_ended(fd: int, scratch: Path, monkeypatch: Any) -> None:
    """Somebody who lives on can have got an fd of it from the job."""
    file = scratch / "grows"
    file.write_bytes(b"x" * 10)
    read = os.pread

    def grow(source: int, size: int, offset: int) -> bytes:
        with file.open("ab") as more:
            more.write(b"y" * 1000)
        return read(source, size, offset)

    monkeypatch.setattr(os, "pread", grow)
    found, _ = artifacts.collect(fd, ALL, {}, None, None)
    assert [(each["size_bytes"], each["content"]) for each in found] == [(10, b"x" * 10)]


def test_a_link_in_the_place_of_a_folder_leads_nowhere(
    fd: int, scratch: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    """As it is put there, by somebody who got the folder from the job, between the walk and the reading."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("secret")
    (tmp_path / "secrets" / "key").chmod(0)
    (scratch / "d").mkdir()
    (scratch / "d" / "key").write_text("mine")

    def swapped(*arguments: Any, **options: Any) -> Iterator[Any]:
        yield from list(tree.walk(*arguments, **options))
        (scratch / "d").rename(scratch / "e")
        (scratch / "d").symlink_to(tmp_path / "secrets")

    monkeypatch.setattr(artifacts, "walk", swapped)
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert (found, omitted) == ([], [(b"d/key", "can't be read: Not a directory")])
    assert (tmp_path / "secrets" / "key").stat().st_mode & 0o777 == 0


def test_an_output_directory_that_the_job_replaced_is_not_written_to(fd: int, scratch: Path, tmp_path: Path) -> None:
    (scratch / ".profile").write_text("evil")
    (tmp_path / "home").mkdir()
    for place in ("work/out", "work/link/out"):
        (tmp_path / "work").mkdir(exist_ok=True)
        (tmp_path / "work" / place.split("/")[1]).symlink_to(tmp_path / "home")
        (tmp_path / "home" / "out").mkdir(exist_ok=True)
        found, omitted = artifacts.collect(fd, ALL, {}, None, str(tmp_path / place))
        assert (found, omitted) == ([], [(b".", f"can't be saved: {tmp_path / place}: Not a directory")])
    assert list((tmp_path / "home" / "out").iterdir()) == []
    gone = str(tmp_path / "gone")
    assert artifacts.collect(fd, ALL, {}, None, gone)[1] == [
        (b".", f"can't be saved: {gone}: No such file or directory")
    ]
