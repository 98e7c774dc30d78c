"""Lines of an input, whatever is in it."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.batch import lines
from sandbox_cli.batch.lines import Line, Lines
from sandbox_cli.batch.stop import Stop
from sandbox_cli.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def given(tmp_path: Path, content: bytes) -> Iterator[Lines]:
    (tmp_path / "lines").write_bytes(content)
    fd = os.open(tmp_path / "lines", os.O_RDONLY)
    try:
        with Stop() as stop:
            yield Lines(fd, stop.fd)
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n\nb\n", [b"a", b"", b"b"]),
        (b"a\r\n\xff\0\n", [b"a\r", b"\xff\0"]),
        (b"a" * 200_000 + b"\nb\n" * 50_000, [b"a" * 200_000, *[b"b", b""] * 49_999, b"b"]),
    ],
)
def test_lines_come_as_they_are(tmp_path: Path, content: bytes, texts: list[bytes]) -> None:
    with given(tmp_path, content) as found:
        assert list(found) == [Line(number, text) for number, text in enumerate(texts, 1)]
        assert found.taken_bytes == len(content)


@pytest.mark.parametrize("end", [b"\n", b""])
def test_line_that_is_too_long_is_passed_over_and_never_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr(lines, "LONGEST", 100_000)
    content = [b"a" * 100_000, b"b" * 100_001, b"c" * 1_000_000, b"d"]
    with given(tmp_path, b"\n".join([*content, b"e" * 100_001]) + end) as found:
        assert [line.text for line in found] == [content[0], None, None, b"d", None]


def test_half_a_line_that_was_being_read_when_it_was_stopped_is_none() -> None:
    source, sink = os.pipe()
    os.write(sink, b"one\nhal")
    with Stop() as stop:
        found = iter(Lines(source, stop.fd))
        assert next(found) == Line(1, b"one")
        threading.Timer(0.1, stop.set).start()
        assert list(found) == []
    os.close(source)
    os.close(sink)


def test_input_that_fails_is_said(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    with Stop() as stop, pytest.raises(HostError, match="the jobs can't be read any further: Is a directory"):
        list(Lines(fd, stop.fd))
    os.close(fd)
