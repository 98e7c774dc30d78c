"""Names of what a run makes on the host: they say whose it is, and whether its supervisor still lives."""

from __future__ import annotations

import os

from sandbox_cli.run.system import start_time


def own_name() -> str:
    """`sandbox-UID-PID-START-RANDOM`: pid and start time together are never given twice, but for a reboot."""
    return f"sandbox-{os.geteuid()}-{os.getpid()}-{start_time(os.getpid())}-{os.urandom(6).hex()}"


def is_of_this_account(name: str) -> bool:
    """Whether it is a name of ours, and the account that we are."""
    parts = name.split("-")
    return len(parts) == 5 and parts[:2] == ["sandbox", str(os.geteuid())] and parts[2].isascii() and parts[2].isdigit()


def was_left_behind(name: str) -> bool:
    """Whether it is a name of ours, of a supervisor that is gone."""
    if not is_of_this_account(name):
        return False
    _, _, pid, start, _ = name.split("-")
    return start_time(int(pid)) != start
