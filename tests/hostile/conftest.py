"""What runs the corpus."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.accounts import locked
from tests.cli.conftest import command  # noqa: F401 - the fixture
from tests.contract.conftest import driver, drivers  # noqa: F401 - the fixtures
from tests.hostile.build import BEFOREHAND, LIMITS, build
from tests.hostile.caller.tools import made, tools  # noqa: F401 - the fixtures
from tests.hostile.targets import Targets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.accounts import Account

__all__ = ["LIMITS"]


@pytest.fixture(scope="session")
def program(session_directory: Path) -> Callable[[Path], bytes | str]:
    """What runs as an attack, as an input of a run has it: a script as it is, C as a static binary, compiled once a
    session, of which the path is told where every account can read it."""
    folder = BEFOREHAND if "VM_WAY" in os.environ else session_directory / "attacks"

    def content(source: Path) -> bytes | str:
        if source.suffix != ".c":
            return source.read_bytes()
        with locked(session_directory):
            binary = build(source, folder)
        return str(binary) if binary.is_relative_to(session_directory) else binary.read_bytes()

    return content


@pytest.fixture(scope="session")
def targets(session_directory: Path, as_user: Account) -> Iterator[Targets]:
    """What the host has for an escape to reach."""
    targets = Targets(session_directory, as_user)
    yield targets
    targets.close()
