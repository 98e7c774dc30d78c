"""The corpus, compiled once a session, and what runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accounts import locked
from tests.contract.conftest import driver, drivers  # noqa: F401 - the fixtures

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Path(__file__).with_name("limits")


@pytest.fixture(scope="session")
def program(session_directory: Path) -> Callable[[Path], bytes]:
    """The bytes that run as an attack: a script as it is, C as a static binary that needs nothing of the jail."""
    folder = session_directory / "attacks"
    with locked(session_directory):
        folder.mkdir(exist_ok=True)

    def build(source: Path) -> bytes:
        if source.suffix == ".py":
            return source.read_bytes()
        binary = folder / source.stem
        with locked(folder):
            if not binary.exists():
                flags = ["-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]
                subprocess.run(["cc", *flags, "-o", str(binary), str(source)], check=True)
        return binary.read_bytes()

    return build
