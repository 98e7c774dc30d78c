"""docs/security.md says of each promise what proves it, and of each proof which promise it is for."""

from __future__ import annotations

import re
from pathlib import Path

from tests.hostile.escape_head import KEEPERS

ROOT = Path(__file__).resolve().parent.parent


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, but for its head."""
    below = (ROOT / page).read_text().partition(f"## {heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", below, re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[0].splitlines()[2:]]


def column(index: int) -> set[str]:
    words = ", ".join(row[index] for row in rows("docs/security.md", "How each promise is proved"))
    return {word.strip(" `") for word in words.split(",")} - {""}


def test_each_promise_has_its_proof() -> None:
    promised = [row[0] for row in rows("SECURITY.md", "What is promised, and by whom")]
    assert [row[0] for row in rows("docs/security.md", "How each promise is proved")] == promised


def test_each_clause_that_verify_tries_is_for_a_promise() -> None:
    tried = {row[0].strip("`") for row in rows("docs/verify.md", "What is tried")}
    families = {re.sub(r"\..*", "", clause) for clause in tried}
    assert families == {re.sub(r"\..*", "", clause) for clause in column(1)}


def test_each_keeper_of_the_corpus_is_for_a_promise() -> None:
    assert column(2) == set(KEEPERS)


def test_each_file_that_is_named_exists() -> None:
    for path in re.findall(r"\btests/[\w/.]+", (ROOT / "docs" / "security.md").read_text()):
        assert (ROOT / path.rstrip(".")).exists(), path
