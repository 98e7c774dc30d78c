"""When the caller is told how a long job is doing: at intervals, and never in the middle of what the job says.

Where the job's own output goes to a terminal, what is shown there makes way before each piece of it, and comes again
only when the job has been quiet for a while, and its last line is whole. What somebody types stands on that
terminal, too: a job that is typed to is a conversation, and is left alone.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox_cli.plan.model import Limit
    from sandbox_cli.run.limits import Enforcer, Measured
    from sandbox_cli.run.streams import Input, Output

    # Told what was measured so far, as `usage` names it, with wall_time_s, and the limits of what runs now; None: what
    # is shown has to go.
    Show = Callable[[Measured | None, dict[str, Limit]], None]

_FIRST_S = 2.0  # into the job: a short one is none to be told of
_EVERY_S = 0.5
_QUIET_S = 1.0


class Live:
    """Decides when to call `show`; without one there is nothing to decide."""

    def __init__(self, show: Show | None, limits: dict[str, Limit], stdin: Input, outputs: Iterable[Output]) -> None:
        self.next: float | None = None  # when it is to be called next (time.monotonic)
        self._show = show
        self._limits = limits
        self._stdin = stdin
        self._outputs = list(outputs)
        self._opened = 0.0
        self._shown = False

    def begin(self, opened: float) -> None:
        self._opened = opened
        if self._show is not None:
            self.next = opened + _FIRST_S

    def look(self, enforcers: Iterable[Enforcer]) -> None:
        """Shows how the job is doing, where it is time to."""
        now = time.monotonic()
        if self._show is None or self.next is None or now < self.next:
            return
        if self._stdin.typed:
            self.end()
            return
        self.next = now + _EVERY_S
        if not any(each.terminal and each.in_line for each in self._outputs):
            self._show(_figures(enforcers) | {"wall_time_s": now - self._opened}, self._limits)
            self._shown = True

    def make_way(self, output: Output) -> None:
        """Before `output` is written."""
        if output.terminal and self.next is not None:
            self._clear()
            self.next = max(self.next, time.monotonic() + _QUIET_S)

    def end(self) -> None:
        """For good."""
        self._clear()
        self.next = None

    def _clear(self) -> None:
        if self._shown and self._show is not None:
            self._show(None, self._limits)
            self._shown = False


def _figures(enforcers: Iterable[Enforcer]) -> Measured:
    found: Measured = {}
    try:
        for enforcer in enforcers:  # the best informed last
            found |= enforcer.measured()[0]
    except OSError:
        return {}  # a group that somebody removed: the run itself will say so
    if "cpu_user_s" in found:
        found["cpu_time_s"] = found["cpu_user_s"] + found["cpu_system_s"]
    return found
