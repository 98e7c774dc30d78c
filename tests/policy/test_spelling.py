"""Hints."""

from __future__ import annotations

import pytest

from sandbox_cli.policy.spelling import hint, nearest


@pytest.mark.parametrize(("word", "close"), [("memry", "memory"), ("MEMORY", "memory"), ("limits", None), ("", None)])
def test_the_nearest_word_is_found_whatever_its_case(word: str, close: str | None) -> None:
    assert nearest(word, ["memory", "processes"]) == close


def test_without_a_near_word_all_are_named() -> None:
    assert hint("zzz", ["ro", "rw"]) == "known here: ro, rw"
    assert hint("roo", ["ro", "none"]) == "did you mean `ro`?"
