"""The facts of this machine, as far as a plan needs them: one jailer at a time, since asking costs a process or two."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from sandbox_cli import host as hosts
from sandbox_cli.backends import BACKENDS

if TYPE_CHECKING:
    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.choose import Look
    from sandbox_cli.policy.config import Config


def looking(config: Config) -> Look:
    """The function that looks for the jailer of one backend, each once: mostly the first one serves."""

    @functools.cache
    def look(backend: str) -> Host:
        return hosts.look([BACKENDS[backend]], uid_range=config.uid_range, firejail_user=config.firejail_user)

    return look
