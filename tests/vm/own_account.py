"""A plugin for pytest in the guest: a way is of one account, so the cases of the other one are left out; and it keeps
the part of the rest that is this guest's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    own = "root" if os.geteuid() == 0 else "user"
    others = [item for item in items if hasattr(item, "callspec") and item.callspec.params.get("account", own) != own]
    mine = [item for item in items if item not in others]
    part, of = map(int, os.environ.get("VM_PART", "1/1").split("/"))
    kept = mine[part - 1 :: of]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
