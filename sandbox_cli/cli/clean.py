"""`sandbox clean`: what crashed runs left."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import Cleaned


def clean(json: Json = False) -> int:
    """Remove what runs that crashed have left behind, and say what."""
    from sandbox_cli.host import accounts
    from sandbox_cli.policy import config
    from sandbox_cli.run import scratch
    from sandbox_cli.run.limits import cgroupfs
    from sandbox_cli.verify import targets

    cleaned: Cleaned = {
        "removed": [
            *scratch.sweep(config.load().uid_range),
            *cgroupfs.sweep(cgroupfs.holders()),
            *targets.sweep(accounts.home_of(os.geteuid()) or "/"),
        ]
    }
    if json:
        output.say(output.as_line(cleaned))
        return 0
    for path in cleaned["removed"]:
        output.say(f"removed {output.shown(path)}")
    if not cleaned["removed"]:
        output.say("nothing was left behind")
    return 0
