"""What a batch amounts to: counts by status, and how time and memory are spread, however many jobs there are."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sandbox_cli.result import Outcome

_STEP = math.log(1.02)  # from one bucket to the next: a quantile is told to within 1 %


class Quantiles(NamedTuple):
    """The value that so many per cent of the jobs don't exceed."""

    p50: float
    p90: float
    p99: float
    max: float


class Spread:
    """Positive numbers, counted in buckets as wide as 2 % of what they hold: a few hundred for any of our amounts."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._most = 0.0

    def add(self, value: float) -> None:
        self._counts[math.floor(math.log(max(value, 1e-9)) / _STEP)] += 1
        self._most = max(self._most, value)

    def quantiles(self) -> Quantiles | None:
        """None: there were no numbers."""
        if not self._counts:
            return None
        return Quantiles(self._at(0.5), self._at(0.9), self._at(0.99), self._most)

    def _at(self, part: float) -> float:
        rank, seen = math.ceil(part * self._counts.total()), 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= rank:
                return min(math.exp((bucket + 0.5) * _STEP), self._most)
        raise AssertionError("a rank beyond the last one")


class Tally:
    """Of the jobs that have a result."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.wall_time_s, self.memory_peak_bytes = Spread(), Spread()
        self.failed_here = False  # a job was not run as it should have been, and it is this machine's fault

    def add(self, outcome: Outcome) -> None:
        self.statuses[outcome["status"]] += 1
        self.failed_here |= outcome["status"] == "sandbox-error"
        if (usage := outcome["usage"]) is not None:
            for spread, value in (
                (self.wall_time_s, usage["wall_time_s"]),
                (self.memory_peak_bytes, usage["memory_peak_bytes"]),
            ):
                if value is not None:
                    spread.add(value)

    @property
    def jobs(self) -> int:
        return self.statuses.total()
