"""A folder that even root trusts: /tmp and /var/tmp, where anyone can write, are not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts import AS_ROOT


@pytest.fixture
def trusted(tmp_path: Path) -> Iterator[Path]:
    """Root's own up to `/` where the suite runs as root; else the test's own folder."""
    if not AS_ROOT:
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="sandbox-tests-", dir="/var/lib"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
