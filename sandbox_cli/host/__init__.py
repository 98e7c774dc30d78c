"""What this machine offers: jailers, runtimes, accounts, and what its kernel allows.

`look` says what is there; only a trial (`try_jailer`) says that a jailer works here.
"""

from __future__ import annotations

from sandbox_cli.host.facts import look
from sandbox_cli.host.jailers import find_jailer
from sandbox_cli.host.model import Host, Jailer, Problem
from sandbox_cli.host.versions import how_to_get

__all__ = ["Host", "Jailer", "Problem", "find_jailer", "how_to_get", "look"]
