from __future__ import annotations

import pytest

from sandbox_cli.errors import UsageError
from sandbox_cli.host.wanted import wanted


@pytest.mark.parametrize(
    ("asked", "version", "taken"),
    [
        ("3.12", "3.12.4", True),
        ("3.12", "3.12", True),
        ("3.1", "3.12.4", False),
        ("3", "3.12.4", True),
        ("v20", "20.11.1", True),
        ("3.12.*", "3.12.4", True),
        (">=3.11", "3.11.2", True),
        (">=3.11", "3.9.18", False),
        (">=3.11,<3.13", "3.12.1", True),
        (">= 3.11, < 3.13", "3.13.0", False),
        ("!=3.12.1", "3.12.1", False),
        ("~=3.11", "3.13.0", True),
        ("21", "21.0.2+13", True),
        ("21.0.2", "21.0.2+13", True),
        ("21", "21", True),
        ("1.19", "1.19.8", True),
        ("5.4", "5.4.6", True),
        (">=9", "9.0.4", True),
        ("3", None, False),
        (">=0", None, False),
    ],
)
def test_a_version_is_taken_where_it_is_what_was_asked_for(asked: str, version: str | None, taken: bool) -> None:
    assert wanted(asked, of="x").takes(version) is taken


@pytest.mark.parametrize(
    "asked", ["^3", "latest", "3.x", ",", " ", ">=", "3.11,3.12", "3..1", "9" * 5000, "3.12\n", "\udcff"]
)
def test_what_asks_for_no_version_is_refused_with_the_forms_that_do(asked: str) -> None:
    with pytest.raises(UsageError, match="is no version of python") as error:
        wanted(asked, of="python")
    assert ">=3.11,<3.13" in (error.value.hint or "")
