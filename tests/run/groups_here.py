"""The control groups of this machine, for tests that need real ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.host import groups
from sandbox_cli.host.model import Groups, Problem
from sandbox_cli.run.limits.groups import KINDS

if TYPE_CHECKING:
    from sandbox_cli.run.limits.group import Group

FORKS = """
import os, signal
n = 0
while True:
    try: pid = os.fork()
    except OSError: break
    if pid == 0: signal.pause()
    n += 1
print(n, flush=True)
signal.pause()
"""


def here() -> Groups:
    """Skips where there are none for this account; in CI root must have some."""
    found = groups.find()
    if isinstance(found, Problem):
        (pytest.fail if os.environ.get("CI") == "true" and os.geteuid() == 0 else pytest.skip)(found.reason)
    return found


def make(found: Groups, **limits: float) -> Group:
    """A group of `found` with the limits."""
    bounds = {
        name: {"value": value, "asked": "", "level": "strict", "enforcer": found.enforcer, "blame": None}
        for name, value in limits.items()
    }
    return KINDS[found.enforcer](found.planned(), bounds)  # type: ignore[arg-type]


def directories(groups: Groups) -> set[Path]:
    return {path for parent in set(groups.parents.values()) for path in Path(parent).glob(f"sandbox-*-{os.getpid()}-*")}
