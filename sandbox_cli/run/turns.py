"""Whose turn it is: jails that are made ahead, while others run or are taken down, wait at their gates for it.

So the cores have something to do while the kernel makes one jail or takes down another, and yet no more programs run at
once than were asked for. The turns of several jobs are one eventfd: a semaphore, non-blocking.
"""

from __future__ import annotations

import os


def make(count: int) -> int:
    """An fd of so many turns."""
    return os.eventfd(count, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)


class Turn:
    """That of one job. Without an fd it always is."""

    def __init__(self, fd: int | None) -> None:
        self.awaited: int | None = None  # what can be read when it may be one's turn
        self._fd = fd
        self._taken = False

    def take(self) -> bool:
        """Whether it is one's turn, from now on."""
        if self._fd is not None and not self._taken:
            try:
                os.eventfd_read(self._fd)
            except BlockingIOError:
                self.awaited = self._fd
                return False
            self._taken = True
        self.awaited = None
        return True

    def give_back(self) -> None:
        self.awaited = None
        if self._fd is not None and self._taken:
            self._taken = False
            os.eventfd_write(self._fd, 1)
