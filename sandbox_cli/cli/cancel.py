"""SIGINT, SIGTERM and SIGHUP: while a job is prepared they raise `Cancelled`, while it runs the run reads of them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from sandbox_cli.result import PolicyIdentity

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Cancelled(BaseException):
    """The caller wants no more of it. No Exception: like KeyboardInterrupt, nothing on the way may swallow it."""

    id: str | None = None  # of the job that was being prepared
    policy: PolicyIdentity | None = None  # as those of SandboxError
    language: str | None = None

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
        self.signal = signal.Signals(number).name


class Cancellation:
    """Within it, each of the signals cancels the job. One that was ignored from the start (nohup) stays ignored."""

    def __enter__(self) -> Self:
        self._raises = True
        self._source, self._sink = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for number, before in self._before.items():
            if before is not signal.SIG_IGN:
                signal.signal(number, self._arrived)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        os.close(self._source)
        os.close(self._sink)

    @property
    def fd(self) -> int:
        """Where the run reads, as bytes, the numbers of the signals that came after `relay`."""
        return self._source

    def relay(self) -> None:
        """From now on a signal raises nothing."""
        self._raises = False

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self._raises:
            raise Cancelled(number)
        try:
            os.write(self._sink, bytes([number]))
        except BlockingIOError:
            return  # the pipe is full of signals that nobody has read: one is enough
