"""Odd text as people can read it."""

from __future__ import annotations

import pytest

from sandbox_cli.text import quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "'a b'"),
        ("it's", '"it\'s"'),
        ("größe", "'größe'"),
        ("a\udcff", r"'a\xff'"),
        ("\udcc3\udc80", r"'\xc3\x80'"),
        (r"\udcff", r"'\\udcff'"),  # those letters, and no byte
        ("\\\udcff", r"'\\\xff'"),
        ("a\nb\0\u202e", r"'a\nb\x00\u202e'"),
        ("\ud800", r"'\ud800'"),  # a surrogate that stands for no byte
        ("", "''"),
    ],
)
def test_quoted_text_shows_each_byte_that_is_no_text(text: str, shown: str) -> None:
    assert quoted(text) == shown
