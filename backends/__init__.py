"""The jailers that this project drives, one module each. The order is the default order of preference."""

from __future__ import annotations

from sandbox_cli.backends import bwrap, firejail, nsjail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.backends.base import Backend

__all__ = ["BACKENDS", "bwrap", "firejail", "nsjail"]

BACKENDS: dict[str, Backend] = {"bwrap": bwrap, "nsjail": nsjail, "firejail": firejail}
