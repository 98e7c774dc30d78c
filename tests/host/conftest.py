"""A folder that even root trusts (/tmp and /var/tmp, where anyone can write, are not), and programs in it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox_cli.host.managers import MANAGERS
from tests.accounts import AS_ROOT
from tests.host.tools import SOURCE, Tools


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


@pytest.fixture
def no_managers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing says where the managers of whoever runs the tests keep their runtimes."""
    for manager in MANAGERS:
        if manager.variable is not None:
            monkeypatch.delenv(manager.variable, raising=False)


@pytest.fixture
def tools(trusted: Path, tmp_path: Path, needs: object) -> Tools:
    assert callable(needs)
    needs("cc")
    source, binary, log = tmp_path / "tool.c", tmp_path / "compiled", tmp_path / "log"
    source.write_text(SOURCE)
    subprocess.run(["cc", f'-DLOG="{log}"', "-o", binary, source], check=True)
    return Tools(trusted, binary, log)
