"""`sandbox clean`: what crashed runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import Cleaned


def clean(json: Json = False) -> int:
    """Remove what runs that crashed have left behind, and say what."""
    from sandbox_cli.host import groups
    from sandbox_cli.host.model import Groups
    from sandbox_cli.policy import config
    from sandbox_cli.run.limits.groups import sweep as sweep_groups
    from sandbox_cli.run.scratch import sweep

    found = groups.find()
    cleaned: Cleaned = {"removed": sweep(config.load().uid_range)}
    cleaned["removed"] += sweep_groups(found.planned() if isinstance(found, Groups) else None)
    if json:
        output.say(output.as_line(cleaned))
        return 0
    for path in cleaned["removed"]:
        output.say(f"removed {output.shown(path)}")
    if not cleaned["removed"]:
        output.say("nothing was left behind")
    return 0
