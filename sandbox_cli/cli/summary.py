"""What a batch amounts to, in words on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.run.limits import amounts

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from sandbox_cli.batch.tally import Spread, Tally


def summarize(tally: Tally, took_s: float, *, skipped: int) -> None:
    """Counts and rate; how time and memory are spread."""
    before = f", after {skipped} that had a result" if skipped else ""
    rate = f" ({tally.jobs / took_s:.1f}/s)" if tally.jobs else ""
    told = f": {counted(tally.statuses)}" if tally.jobs else ""
    output.tell(f"{tally.jobs} job{'' if tally.jobs == 1 else 's'}{before} in {seconds(took_s)}{rate}{told}")
    rows = [
        row
        for row in (
            _row("wall time", tally.wall_time_s, seconds),
            _row("memory", tally.memory_peak_bytes, amounts.size),
        )
        if row is not None
    ]
    if rows:
        output.table(("", "P50", "P90", "P99", "MAX"), rows, errors=True)


def counted(statuses: Counter[str]) -> str:
    """The good ones first, then what there is most of."""
    ranked = sorted(statuses.items(), key=lambda each: (each[0] != "ok", -each[1], each[0]))
    return ", ".join(f"{number} {status}" for status, number in ranked)


def seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.1f}ms"
    minutes, rest = divmod(value, 60)
    return f"{minutes:.0f}min {rest:.0f}s" if minutes >= 1 else f"{value:.2f}s"


def _row(name: str, spread: Spread, words: Callable[[float], str]) -> tuple[str, ...] | None:
    found = spread.quantiles()
    return None if found is None else (name, *(words(value) for value in found))
