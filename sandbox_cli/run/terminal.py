"""The job's terminal as the supervisor has it: the master end of a pty of the jail's own, which `init` sends.

The caller's own terminal is relayed and never handed over: the job's /dev/tty, and all that it can do to a terminal, is
its own. Whoever calls the run has put the caller's into raw mode: what is typed there, Ctrl-C and Ctrl-Z too, comes
here as bytes, and it is the job's terminal that makes signals of them.
"""

from __future__ import annotations

import fcntl
import os
import termios

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.run.model import Terminal

_SIZE = b"\0" * 8  # struct winsize


def prepare(master: int, caller: Terminal) -> str | None:
    """Makes the job's terminal like the caller's before anything runs on it; why it must not be used, or None."""
    if _is_of_the_host(master):
        return "its terminal would be one of the host's"
    os.set_blocking(master, False)
    termios.tcsetattr(master, termios.TCSANOW, caller["modes"])
    _copy_size(master, caller["fd"])
    return None


def resize(master: int, caller: Terminal) -> None:
    """Hands a new size on: the kernel tells the job of it, if it is one (SIGWINCH)."""
    os.read(caller["resized"], 4096)
    _copy_size(master, caller["fd"])


def _copy_size(master: int, caller: int) -> None:
    try:
        fcntl.ioctl(master, termios.TIOCSWINSZ, fcntl.ioctl(caller, termios.TIOCGWINSZ, _SIZE))
    except OSError:
        return  # the caller's is gone: its hangup is another matter


def _is_of_the_host(master: int) -> bool:
    """Whether it is of our own /dev/pts, where the job would find the terminals of others."""
    try:
        return os.fstat(master).st_dev == os.stat("/dev/pts").st_dev
    except FileNotFoundError:
        return False
