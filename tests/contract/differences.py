"""What the tests of listed differences share: the names that they assert, and short questions to a jail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.conftest import Driver

SH = ["/bin/sh", "-c"]
ASSERTED: set[str] = set()


def listed(*names: str) -> Callable[[Any], Any]:
    """The names that a test's differences have in docs/backends.md."""
    ASSERTED.update(names)
    return lambda test: test


def firejail(backend: str) -> bool:
    return backend == "firejail"


def said(driver: Driver, backend: str, script: str) -> list[str]:
    """What a script of sh prints, line by line."""
    outcome = driver.run({"command": [*SH, script], "backend": backend})
    lines: list[str] = outcome["stdout"].decode().splitlines()
    return lines


def receipt(outcome: dict[str, Any], clause: str) -> tuple[str, str | None]:
    """Level and enforcer of a clause."""
    line = next(each for each in outcome["receipt"]["clauses"] if each["clause"] == clause)
    return line["level"], line["enforced_by"]
