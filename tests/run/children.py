"""A child of this very process: whatever is raised in it, it ends there, and never goes on with the tests."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def start(what: Callable[[], object]) -> int:
    """Does it in a child, whose pid is returned; it ends with 0, or with 1 where something was raised."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        what()
        status = 0
    except BaseException:  # noqa: BLE001 (it is told, and must not reach the runner of the tests)
        traceback.print_exc()
    finally:
        os._exit(status)


def end(child: int) -> int:
    """Waits for it, and returns how it ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
