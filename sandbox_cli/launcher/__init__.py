"""The small C program on both sides of the jailer: `enter` before it, `init` as the first program in the jail.

launcher.c says how it works. `run` imports this module, so it imports almost nothing.
"""

# ruff: noqa: PTH100, PTH116, PTH118, PTH120 - pathlib costs 10 ms

from __future__ import annotations

import os

from sandbox_cli.errors import HostError

HERE = os.path.dirname(os.path.abspath(__file__))


def path() -> str:
    """The built program; HostError where it is not built, or is older than its sources (an editable install)."""
    program = os.path.join(HERE, "launcher")
    try:
        built_ns = os.stat(program).st_mtime_ns
    except FileNotFoundError:
        raise HostError("the launcher is not built", hint="run `make launcher`") from None
    with os.scandir(HERE) as entries:
        stale = [e.name for e in entries if e.name.endswith((".c", ".h")) and e.stat().st_mtime_ns > built_ns]
    if stale:
        raise HostError(f"the launcher is older than {min(stale)}", hint="run `make launcher`")
    return program
