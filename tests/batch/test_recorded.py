"""Which lines are results: of other tools, broken, longer than memory, nested deeper than parsers go."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.batch import recorded
from sandbox_cli.batch.results import ResultsFile
from sandbox_cli.errors import UsageError
from tests.batch.resuming import line, refusal, resume

if TYPE_CHECKING:
    pass


def test_lines_of_other_tools_count_too(path: Path) -> None:
    spaced = json.dumps(json.loads(line("a")), indent=None).encode() + b"\r\n"
    sorted_keys = json.dumps(json.loads(line("b")), sort_keys=True).encode() + b"\n"
    path.write_bytes(b"\n" + spaced + b"  \r\n" + sorted_keys + b"\n")
    before = path.read_bytes()
    assert resume(path, ["a", "b", "c"]) == ["c"]
    assert path.read_bytes() == before + line("c")


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b'{"id": "a", "code": "print(1)"}\n', 1),
        (b'{"id": "a", "code": "print(1)"}', 1),
        (line("a") + b"a word\n" + line("b"), 2),
        (line("a") + b"a word", 2),
        (line("a") + line("b")[:-30] + line("c"), 2),
        (line("a") + line("b")[:-2] + b"\n" + line("c"), 2),
        (line("a") + line("b")[:9] + line("c"), 2),
        (line("a") + b"\n\n" + line("b")[:50] + b"\0\0\0" + line("c"), 4),
        (b"[" + line("a")[:-1] + b"]\n", 1),
        (line("a").replace(b"result/1", b"result/2"), 1),
        (b'{"schema": "sandbox-result/1", "id": 7}\n', 1),
        (b'{"schema":"sandbox-result/1","id":"\\ud800"}\n', 1),
        (b"\xef\xbb\xbf" + line("a"), 1),
        (line("a").decode().encode("utf-16"), 1),
        (b"\x7fELF\0\0\0", 1),
    ],
)
def test_what_is_no_result_is_refused_with_its_line_and_left_as_it_is(path: Path, content: bytes, number: int) -> None:
    path.write_bytes(content)
    said = refusal(path)
    assert f"holds something else than results: line {number}\n" in said
    assert "its job is run again" in said
    assert path.read_bytes() == content


@pytest.mark.parametrize("size", [100_000, 1 << 17, 12 << 20])
def test_a_line_of_any_length_is_read_in_little_memory(path: Path, size: int) -> None:
    tail = "\\" * 700_001 + '\\"'
    long = [line(name, stdout=tail, artifacts=[{"content": "A" * size, "path": "["}]) for name in "abc"]
    path.write_bytes(b"".join([*long, line("d"), long[0][:-5].replace(b'"a"', b'"e"')]))
    tracemalloc.start()
    file = ResultsFile(str(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [name in file.finished for name in "abcde"] == [True, True, True, True, False]
    assert file.cut_bytes == len(long[0]) - 5
    file.close()
    assert peak < 12 << 20
    assert path.read_bytes() == b"".join([*long, line("d")])


def test_a_long_line_with_another_stuck_to_it_is_no_result(path: Path) -> None:
    long = line("a", artifacts=[{"content": "A" * (3 << 20)}])
    for broken in (long[:-40] + line("b"), long[:-2] + line("b"), long[:-1] + line("b"), long[:-2] + b"\n"):
        path.write_bytes(line("c") + broken)
        assert "line 2\n" in refusal(path)


def test_a_value_nested_deeper_than_parsers_go_is_part_of_a_result(path: Path) -> None:
    deep = line("a", value=None).replace(b"null", b"[" * 3000 + b"]" * 3000)
    path.write_bytes(deep + line("b"))
    assert resume(path, ["a", "b", "c"]) == ["c"]


@pytest.mark.parametrize(
    "content",
    [
        b"\0" * 100 + b"precious",
        b"{" + b" " * 70 + b'"my":"precious"}',
        b" " * 70 + b"precious",
        b"\0" * 300_000 + b"x",
    ],
    ids=["behind zeros", "behind a bracket", "behind spaces", "behind many zeros"],
)
def test_what_is_no_result_is_not_taken_for_the_rest_of_one(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UsageError):
        ResultsFile(str(path))
    assert path.read_bytes() == content


def test_zeros_of_any_length_behind_a_result_are_torn(path: Path) -> None:
    path.write_bytes(line("a") + b"\0" * 300_000)
    with closing(ResultsFile(str(path))):
        pass
    assert path.read_bytes() == line("a")


def test_a_prefix_of_the_first_key_alone_is_torn() -> None:
    for cut in range(1, len(line("a")) - 1):
        assert recorded.Recorded(1, 0, cut, None, line("a")[:cut]).is_torn
    assert not recorded.Recorded(1, 0, 4, None, b'{"id').is_torn
