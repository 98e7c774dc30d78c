"""One signal for all: what waits for input, what waits for whoever reads the results, and every job that runs."""

from __future__ import annotations

import os
import select
import signal
import threading
from typing import Self

MOST = 1024  # jobs at once
_SOON_MS = 200
_ENOUGH = 4096  # bytes in a pipe: more than that many jobs read, and less than the smallest takes


class Stop:
    """`fd` can be read once it is set; a job that runs takes one byte of it, the signal's number, and is cancelled."""

    def __init__(self) -> None:
        self.is_set = False
        self._lock = threading.Lock()
        self.fd, self._sink = os.pipe2(os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)
        os.close(self._sink)

    def comes_soon(self) -> bool:
        """Whether it is set, or is about to be: a signal that was sent to others, too, may reach us last."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(_SOON_MS))

    def set(self, number: int = signal.SIGTERM) -> None:
        """The first time counts."""
        with self._lock:
            if not self.is_set:
                self.is_set = True
                os.write(self._sink, bytes([number]) * _ENOUGH)
