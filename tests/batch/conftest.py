"""Fixtures of the tests of --resume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.batch.resuming import Batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox


@pytest.fixture
def batch(sandbox: Sandbox, shared_tmp: Path) -> Callable[..., Batch]:
    return lambda **options: Batch(sandbox, shared_tmp, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Of a file of results that is still to be made."""
    return tmp_path / "results.jsonl"
