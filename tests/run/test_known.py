"""What stood in scratch when one program had ended, and is known again when the next one has."""

from __future__ import annotations

import mmap
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run import artifacts, content, inputs, tree
from tests.run.test_artifacts import ALL, paths


def test_what_an_earlier_program_left_is_no_artifact_unless_a_later_one_changes_it(fd: int, scratch: Path) -> None:
    (scratch / "obj" / "deep").mkdir(parents=True)
    for name in ("prog", "obj/deep/a.o", "changed", "replaced", "gone"):
        (scratch / name).write_bytes(b"compiled")
    (scratch / "lib.so").symlink_to("lib.so.1")
    (scratch / "relinked").symlink_to("old")
    os.mkfifo(scratch / "fifo")
    seen = artifacts.known(fd)
    (scratch / "changed").write_bytes(b"COMPILED")
    (scratch / "replaced").unlink()
    (scratch / "replaced").write_bytes(b"compiled")
    (scratch / "relinked").unlink()
    (scratch / "relinked").symlink_to("new")
    (scratch / "gone").unlink()
    (scratch / "made").write_bytes(b"")
    found, omitted = artifacts.collect(fd, ALL, seen, None, None)
    assert paths(found) == [b"changed", b"made", b"replaced"]
    assert omitted == [(b"relinked", "symbolic link")]


def test_looking_changes_no_mode_and_waits_for_no_fifo(fd: int, scratch: Path) -> None:
    (scratch / "closed").mkdir()
    (scratch / "tool").write_bytes(b"#!/bin/sh\n")
    for name, mode in (("tool", 0o111), ("closed", 0o555)):
        (scratch / name).chmod(mode)
    os.mkfifo(scratch / "fifo")
    artifacts.known(fd)
    assert [(scratch / name).stat().st_mode & 0o777 for name in ("tool", "closed")] == [0o111, 0o555]


def test_looking_ends_when_it_is_cancelled_and_in_time(fd: int, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (scratch / "file").write_bytes(b"1")
    reader, writer = os.pipe()
    os.write(writer, b"\2")
    assert artifacts.known(fd, cancel=reader) == {}
    os.close(reader)
    os.close(writer)
    monkeypatch.setattr(content, "LONGEST_S", 0.2)
    with (scratch / "sparse").open("wb") as file:
        file.truncate(content.HOLES)
    began = time.monotonic()
    assert b"sparse" not in artifacts.known(fd)
    assert time.monotonic() - began < 2


def test_what_is_known_takes_a_bounded_memory(fd: int, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "NAMES_BYTES", 1500)
    for name in range(9):
        (scratch / (str(name) * 200)).touch()
    assert len(artifacts.known(fd)) == 3


def test_a_file_of_a_terabyte_of_holes_is_not_read_to_be_known(fd: int, scratch: Path) -> None:
    with (scratch / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert artifacts.known(fd) == {}


def test_a_hole_that_was_read_through_a_mapping_is_unchanged() -> None:
    """As a program is that a linker wrote with holes: on a tmpfs, to run it fills them."""
    if not os.access("/dev/shm", os.W_OK):
        pytest.skip("there is no tmpfs to write to")
    folder = tempfile.mkdtemp(dir="/dev/shm")
    there = os.open(folder, tree.FOLDER)
    try:
        with open(f"{folder}/prog", "wb") as file:
            file.truncate(1 << 20)
            os.pwrite(file.fileno(), b"end", 900_000)
        seen, blocks = artifacts.known(there), os.stat(f"{folder}/prog").st_blocks
        with open(f"{folder}/prog", "rb") as read, mmap.mmap(read.fileno(), 0, prot=mmap.PROT_READ) as mapping:
            assert bytes(mapping)[:1] == b"\0"
        assert os.stat(f"{folder}/prog").st_blocks > blocks
        assert artifacts.collect(there, ALL, seen, None, None) == ([], [])
    finally:
        os.close(there)
        shutil.rmtree(folder)


def test_known_files_and_inputs_are_told_in_the_same_way(fd: int, scratch: Path) -> None:
    written: dict[bytes, Any] = inputs.put(fd, [(b"a/b", b"x" * 3_000_000, 0o644), (b"c", b"", 0o755)], None)
    assert artifacts.known(fd) == written
