"""Collecting ends, whatever a job left behind."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run import artifacts, content, tree
from tests.run.test_artifacts import ALL, paths

CANCELLED = [(b".", "cancelled before all was collected")]


def test_collecting_ends_when_it_is_cancelled_and_leaves_the_signal_to_be_read(fd: int, scratch: Path) -> None:
    (scratch / "a").write_bytes(b"1")
    reader, writer = os.pipe()
    assert paths(artifacts.collect(fd, ALL, {}, None, None, cancel=reader)[0]) == [b"a"]
    os.write(writer, b"\2")
    assert artifacts.collect(fd, ALL, {}, None, None, cancel=reader) == (
        [],
        [(b".", "cancelled before all was collected")],
    )
    assert os.read(reader, 1) == b"\2"
    os.close(writer)  # its end is no signal
    assert paths(artifacts.collect(fd, ALL, {}, None, None, cancel=reader)[0]) == [b"a"]
    os.close(reader)


@pytest.mark.parametrize("save", [True, False])
def test_a_cancellation_ends_the_reading_of_one_huge_file(
    fd: int, scratch: Path, tmp_path: Path, monkeypatch: Any, save: bool
) -> None:
    (tmp_path / "out").mkdir()
    with (scratch / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    reader, writer = os.pipe()
    monkeypatch.setattr(artifacts, "HOLES", 1 << 40)
    timer = threading.Timer(0.2, os.write, (writer, b"\2"))
    timer.start()
    began = time.monotonic()
    found, omitted = artifacts.collect(fd, ALL, {}, None, str(tmp_path / "out") if save else None, cancel=reader)
    timer.join()
    os.close(reader)
    os.close(writer)
    assert time.monotonic() - began < 5
    assert (found, omitted) == ([], CANCELLED)
    assert list((tmp_path / "out").iterdir()) == []


def test_collecting_is_bounded_in_time(fd: int, scratch: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(content, "LONGEST_S", 0.2)
    monkeypatch.setattr(artifacts, "HOLES", 1 << 40)
    with (scratch / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert (found, omitted) == ([], [(b".", "there was more than could be collected in 0s")])


def test_names_are_looked_at_up_to_a_number_and_the_rest_is_told(fd: int, scratch: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(artifacts, "MOST_NAMES", 5)
    for name in range(9):
        (scratch / str(name)).touch()
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert len(found) == 5
    assert omitted == [(b".", "there were more than 5 names")]


def test_names_that_match_are_kept_up_to_a_bound_of_memory(fd: int, scratch: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(artifacts, "NAMES_BYTES", 1000)
    for name in range(9):
        (scratch / (str(name) * 200)).touch()
    found, omitted = artifacts.collect(fd, ALL | {"collect": ["[0-3]*"]}, {}, None, None)
    assert (len(found), omitted) in [(3, [(b".", f"there were more than {number} names")]) for number in range(3, 9)]
    assert artifacts.collect(fd, ALL | {"collect": ["1*"]}, {}, None, None)[1] == []


def test_what_is_left_out_is_named_up_to_a_number_and_then_counted(fd: int, scratch: Path) -> None:
    for name in range(1003):
        (scratch / str(name)).symlink_to("x")
    _, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert len(omitted) == 1001
    assert omitted[-1] == (b".", "and 3 more were left out")


def test_a_folder_that_lies_too_deep_is_told_whatever_the_globs_say(fd: int, scratch: Path) -> None:
    here = os.dup(fd)
    for _ in range(tree.DEEPEST + 3):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", tree.FOLDER, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    found, omitted = artifacts.collect(fd, ALL | {"collect": ["**/*.png"]}, {}, None, None)
    assert (found, omitted) == ([], [(b"/".join([b"d"] * tree.DEEPEST), "can't be entered, or lies too deep")])
