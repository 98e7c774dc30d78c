"""What a run makes on the host, a directory or a control group: its name, and the lock that says that the run lives.

The name tells people whose it is: account, pid and start time of the supervisor. What tells a sweep is the lock
alone, which the kernel drops when its holder ends, however it ends: a pid means nothing in another PID namespace, and
a supervisor that lives may have failed to remove what it made.
"""

from __future__ import annotations

import fcntl
import os

from sandbox_cli.run.fds import close, own
from sandbox_cli.run.system import start_time

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def make(parent: str, mode: int) -> tuple[str, int]:
    """Makes a directory of this run alone; its path, and the fd that holds its lock. Raises OSError, leaving nothing.

    mkdir fails where anything stands, a link included. A sweep may come before the lock, and takes what was made.
    """
    while True:
        path = f"{parent}/{_own_name()}"
        os.mkdir(path, mode)
        try:
            fd = lock(path, fcntl.LOCK_SH)
        except OSError:
            os.rmdir(path)
            raise
        if fd is not None:
            return path, fd


def lock(path: str, how: int = fcntl.LOCK_EX) -> int | None:
    """An fd that holds the lock of a directory; None: another one does, or took the directory away. Raises OSError."""
    try:
        fd = own(os.open, path, _OPEN)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
        os.stat(path)
    except (BlockingIOError, FileNotFoundError):
        close(fd)
        return None
    return fd


def is_of_this_account(name: str) -> bool:
    """Whether it is a name of ours, and the account that we are."""
    parts = name.split("-")
    return len(parts) == 5 and parts[:2] == ["sandbox", str(os.geteuid())] and parts[2].isascii() and parts[2].isdigit()


def _own_name() -> str:
    return f"sandbox-{os.geteuid()}-{os.getpid()}-{start_time(os.getpid())}-{os.urandom(6).hex()}"
