"""Results on their way out: one at a time, each whole, and in the order of the jobs where that is wanted."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

from sandbox_cli.batch.tally import Tally
from sandbox_cli.result import as_json

if TYPE_CHECKING:
    from sandbox_cli.batch.sink import Results
    from sandbox_cli.result import Outcome

_HELD_BYTES = 64 << 20  # that wait for an older job
_ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))  # ASCII: no control character reaches a terminal


class Delivery:
    """Takes outcomes from any thread. `window`: how many jobs the newest may be ahead of the oldest unfinished one,
    where results keep the order of the jobs; None: they come as they are finished.
    """

    def __init__(self, results: Results, window: int | None) -> None:
        self.tally = Tally()
        self.problem: OSError | None = None  # why a result could not be written: those that follow are not, either
        self._results = results
        self._window = window
        self._next = 0  # the oldest job without a result
        self._held: dict[int, bytes] = {}
        self._held_bytes = 0
        self._changed = threading.Condition()
        self._abandoned = False

    def wait_for(self, place: int) -> None:
        """Until the job at that place, from 0, may begin. Every older one must have begun."""
        if self._window is not None:
            with self._changed:
                self._changed.wait_for(lambda: self._abandoned or self._has_room(place))

    def abandon(self) -> None:
        """Nobody waits for an older job any more: it may never come."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()

    def take(self, place: int, outcome: Outcome) -> None:
        line = _ENCODER.encode(as_json(outcome)).encode() + b"\n"
        with self._changed:
            self.tally.add(outcome)
            if self._window is None:
                self._append(line)
                return
            self._held[place] = line
            self._held_bytes += len(line)
            while self._next in self._held:
                self._append(self._let_go(self._next))
                self._next += 1
            self._changed.notify_all()

    def flush(self) -> None:
        """What waited for jobs that were not finished."""
        with self._changed:
            for place in sorted(self._held):
                self._append(self._let_go(place))

    def _has_room(self, place: int) -> bool:
        assert self._window is not None
        return place == self._next or (place < self._next + self._window and self._held_bytes < _HELD_BYTES)

    def _let_go(self, place: int) -> bytes:
        line = self._held.pop(place)
        self._held_bytes -= len(line)
        return line

    def _append(self, line: bytes) -> None:
        if self.problem is None:
            try:
                self._results.append(line)
            except OSError as error:
                self.problem = error
