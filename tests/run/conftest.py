"""A scratch directory, and the fd by which a run has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox_cli.run import tree


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def fd(scratch: Path) -> Iterator[int]:
    fd = os.open(scratch, tree.FOLDER)
    yield fd
    os.close(fd)
