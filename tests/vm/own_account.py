"""A plugin for pytest in the guest: a way is of one account, so the cases of the other one are left out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    own = "root" if os.geteuid() == 0 else "user"
    others = [item for item in items if hasattr(item, "callspec") and item.callspec.params.get("account", own) != own]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
