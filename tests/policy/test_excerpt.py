from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox_cli.policy.lint.excerpt import excerpt, line_of, width


@pytest.mark.parametrize(
    ("line", "column", "text", "before"),
    [
        ("network: host", 1, "network: host", 0),
        ("  memroy: 1GiB", 3, "  memroy: 1GiB", 2),
        ("\ta: b", 2, "    a: b", 4),
        ('a: "日本", b: 1', 10, 'a: "日本", b: 1', 11),
        ("e\u0301: x", 3, "e\u0301: x", 1),  # a combining accent has no column of its own
        ("a: \x1b[31m, b", 10, "a: \\x1b[31m, b", 12),
        ("a: \u202e, b", 7, "a: \\u202e, b", 11),
        ("a", 9, "a", 1),
        ("", 1, "", 0),
    ],
)
def test_caret_stands_under_what_the_column_names(line: str, column: int, text: str, before: int) -> None:
    assert excerpt(line, column) == (text, before)


def test_long_line_is_cut_on_both_sides_of_its_finding() -> None:
    text, before = excerpt("a" * 500 + "X" + "b" * 500, 501)
    assert text[before] == "X"
    assert text.startswith("...a")
    assert text.endswith("b...")
    assert len(text) <= 110


def test_line_of_wide_letters_is_cut_by_columns() -> None:
    text, before = excerpt("本" * 500, 250)
    assert width(text) <= 110
    assert width(text[: (before - 3) // 2 + 3]) == before


@pytest.mark.parametrize(
    ("data", "number", "line"),
    [
        (b"a\nb\n", 2, "b"),
        (b"a\r\nb\r\n", 1, "a"),
        (b"\xef\xbb\xbfa\n", 1, "a"),
        (b"a\nx\xff\n", 2, "x\\xff"),
        (b"a", 2, None),
        (b"a", 0, None),
        (b"", 1, ""),
    ],
)
def test_line_of_a_file(data: bytes, number: int, line: str | None) -> None:
    assert line_of(data, number) == line


@given(st.text(), st.integers(min_value=-5, max_value=2000))
def test_no_line_moves_the_caret_out_or_steers_a_terminal(line: str, column: int) -> None:
    text, before = excerpt(line, column)
    assert all(letter.isprintable() for letter in text)
    assert 0 <= before <= 63
    assert width(text) <= 106
