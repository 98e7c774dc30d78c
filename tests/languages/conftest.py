"""`language` is each shipped language in turn; it skips where its runtime is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.conftest import driver, drivers
from tests.languages import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["driver", "drivers"]


@pytest.fixture(params=shipped.LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    """The name of each; `parametrize("language", [...], indirect=True)` picks."""
    shipped.need(request.param)
    return str(request.param)


@pytest.fixture
def needs_language() -> Callable[[str], None]:
    """`needs_language("java")`: skip without its runtime."""
    return shipped.need
