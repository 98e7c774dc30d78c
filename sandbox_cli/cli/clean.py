"""`sandbox clean`: what crashed runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import Cleaned


def clean(json: Json = False) -> int:
    """Remove what runs that crashed have left behind, and say what."""
    from sandbox_cli.policy import config
    from sandbox_cli.run.limits import cgroupfs
    from sandbox_cli.run.scratch import sweep

    cleaned: Cleaned = {"removed": [*sweep(config.load().uid_range), *cgroupfs.sweep(cgroupfs.holders())]}
    if json:
        output.say(output.as_line(cleaned))
        return 0
    for path in cleaned["removed"]:
        output.say(f"removed {output.shown(path)}")
    if not cleaned["removed"]:
        output.say("nothing was left behind")
    return 0
