"""Sparse files: what they hold counts, what they only claim to hold does not, and neither takes forever."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run import artifacts
from tests.run.test_artifacts import ALL, paths

PAGE = 4096


def sparse(path: Path, size: int, *offsets: int) -> None:
    """A file of `size` bytes that holds a page at each of `offsets`, and nothing else."""
    with path.open("wb") as file:
        file.truncate(size)
        for offset in offsets:
            os.pwrite(file.fileno(), b"x" * PAGE, offset)


def test_a_terabyte_of_holes_is_told_at_once(fd: int, scratch: Path) -> None:
    sparse(scratch / "huge", 1 << 40, 1 << 30)
    (scratch / "other").write_bytes(b"1")
    began = time.monotonic()
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert time.monotonic() - began < 1
    assert paths(found) == [b"other"]
    assert omitted == [(b"huge", "a sparse file of 1099511627776 bytes: to hash so many zeros takes too long")]


@pytest.mark.parametrize("offsets", [(0,), (PAGE * 1000,), (30 << 20,), (PAGE, PAGE * 3, 20 << 20), ()])
def test_a_sparse_file_counts_with_what_it_holds_and_is_saved_with_its_holes(
    fd: int, scratch: Path, tmp_path: Path, offsets: tuple[int, ...]
) -> None:
    (tmp_path / "out").mkdir()
    size = (30 << 20) + PAGE
    sparse(scratch / "disk.img", size, *offsets)
    wanted = ALL | {"max_bytes": PAGE * len(offsets)}
    found, omitted = artifacts.collect(fd, wanted, {}, None, str(tmp_path / "out"))
    assert (paths(found), omitted) == ([b"disk.img"], [])
    saved = tmp_path / "out" / "disk.img"
    assert found[0]["size_bytes"] == saved.stat().st_size == size
    assert saved.stat().st_blocks * 512 <= (scratch / "disk.img").stat().st_blocks * 512 + PAGE
    assert found[0]["sha256"] == sha256(saved.read_bytes()).hexdigest()
    assert saved.read_bytes() == (scratch / "disk.img").read_bytes()


def test_one_byte_less_room_than_it_holds_and_a_sparse_file_is_left_out(fd: int, scratch: Path) -> None:
    sparse(scratch / "x", 1 << 30, 0, 1 << 29)
    found, omitted = artifacts.collect(fd, ALL | {"max_bytes": 2 * PAGE - 1}, {}, None, None)
    assert (found, omitted) == ([], [(b"x", "over artifacts.max_bytes (8191)")])


def test_a_sparse_file_comes_inline_with_its_whole_size_or_not(fd: int, scratch: Path) -> None:
    sparse(scratch / "fits", 8 << 20, 0)
    sparse(scratch / "too-long", (8 << 20) + 1, 0)
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert omitted == []
    assert found[0]["content"] == (scratch / "fits").read_bytes()
    assert (found[1]["size_bytes"], found[1]["content"]) == ((8 << 20) + 1, None)


def test_holes_are_bounded_in_all(fd: int, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "HOLES", 5 << 20)
    for name in "abc":
        sparse(scratch / name, 2 << 20)
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert paths(found) == [b"a", b"b"]
    assert omitted == [(b"c", "a sparse file of 2097152 bytes: to hash so many zeros takes too long")]


def test_what_is_read_counts_where_a_file_system_is_late_to_say_what_it_holds(
    fd: int, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        (scratch / name).write_bytes(b"x" * 60_000)
    monkeypatch.setattr(artifacts, "allocated", lambda _: 512)
    found, omitted = artifacts.collect(fd, ALL | {"max_bytes": 100_000}, {}, None, None)
    assert paths(found) == [b"a"]
    assert omitted == [(b"b", "over artifacts.max_bytes (100000)")]


def test_a_file_system_that_knows_no_holes_will_do(fd: int, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    (scratch / "x").write_bytes(b"x" * 3_000_000)
    monkeypatch.setattr(os, "lseek", refuse)
    found, _ = artifacts.collect(fd, ALL | {"max_bytes": 1 << 30}, {}, None, None)
    assert found[0]["content"] == b"x" * 3_000_000


def _grow(file: int) -> None:
    os.pwrite(file, b"y" * 100_000, os.fstat(file).st_size % (8 << 20))


def _shrink(file: int) -> None:
    os.ftruncate(file, 5000)


def _punch(file: int) -> None:
    os.ftruncate(file, 0)
    os.ftruncate(file, 1 << 20)


@pytest.mark.parametrize("change", [_grow, _shrink, _punch])
def test_a_file_that_changes_all_the_time_ends_and_is_told_as_it_was_saved(
    fd: int, scratch: Path, tmp_path: Path, change: Callable[[int], None]
) -> None:
    """Somebody who lives on can have got an fd of it from the job."""
    (scratch / "x").write_bytes(b"x" * (1 << 20))
    (tmp_path / "out").mkdir()
    stop = threading.Event()

    def write() -> None:
        with (scratch / "x").open("r+b", buffering=0) as file:
            while not stop.is_set():
                change(file.fileno())
                os.pwrite(file.fileno(), b"z" * 9000, 0)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(20):
            (tmp_path / "out" / str(number)).mkdir()
            place = tmp_path / "out" / str(number)
            found, _ = artifacts.collect(fd, ALL | {"max_bytes": 1 << 40}, {}, None, str(place))
            for each in found:
                saved = (place / "x").read_bytes()
                assert (each["size_bytes"], each["sha256"]) == (len(saved), sha256(saved).hexdigest())
            if found:
                (place / "x").unlink()
    finally:
        stop.set()
        thread.join()
