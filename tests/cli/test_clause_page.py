"""docs/clauses.md: made of the grammar, and true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox_cli import policy
from sandbox_cli.cli import clause_page
from sandbox_cli.policy import grammar

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clauses.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def test_page_is_that_of_the_grammar() -> None:
    told = "run: python -m sandbox_cli.cli.clause_page docs/clauses.md"
    assert PAGE.read_text() == clause_page.page(), told


def test_page_has_a_section_for_each_clause() -> None:
    assert re.findall(r"^## `(.*)`$", PAGE.read_text(), re.MULTILINE) == list(grammar.POLICY.keys)
    assert len(EXAMPLES) == len(grammar.POLICY.keys)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.partition(":")[0])
def test_example_can_stand_in_a_policy_that_extends_python(tmp_path: Path, example: str) -> None:
    base = "" if example.startswith("extends") else "extends: python\n"
    (tmp_path / "p.yaml").write_text(base + example)
    assert policy.load(str(tmp_path / "p.yaml"))
