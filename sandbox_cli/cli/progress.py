"""The progress of a batch, on a terminal that nobody else writes to."""

from __future__ import annotations

import io
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sandbox_cli.cli import live
from sandbox_cli.cli.summary import counted
from sandbox_cli.run.streams import in_foreground

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sandbox_cli.batch.lines import Lines
    from sandbox_cli.batch.tally import Tally

    Show = Callable[[], None]

_OUT = 1


@contextmanager
def progress(lines: Lines, tally: Tally, size: int | None, *, is_wanted: bool, to_file: bool) -> Generator[Show | None]:
    """What draws it anew, when called; None where it is not to be seen, or would be in the way.

    `size` of all the lines in bytes, where that is known; `to_file`: standard output gets nothing.
    """
    free = is_wanted and (to_file or not os.isatty(_OUT))  # results on a terminal show by themselves how it goes
    fd = live.terminal() if free and not live.is_in_the_way(json=to_file) else None
    if fd is None:
        yield None
        return
    bar = _Bar(fd, lines, tally, size)
    try:
        yield bar.show
    finally:
        bar.close()
        os.close(fd)


class _Bar:
    """Drawn over itself, and taken away without a trace."""

    def __init__(self, fd: int, lines: Lines, tally: Tally, size: int | None) -> None:
        from rich.console import Console  # 80 ms that only a terminal is worth
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        known = (BarColumn(20), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn()) if size else ()
        self._fd, self._lines, self._tally = fd, lines, tally
        self._began = time.monotonic()
        self._drawn = Progress(
            *known, TimeElapsedColumn(), TextColumn("{task.description}", markup=False),
            console=Console(file=_Screen(fd), force_terminal=True, highlight=False),
            auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False,
        )  # fmt: skip
        self._task = self._drawn.add_task("", total=size)

    def show(self) -> None:
        if not in_foreground(self._fd):
            return  # a shell may have the terminal, and writing there may stop us
        self._drawn.start()
        jobs = self._tally.jobs
        rate = jobs / (time.monotonic() - self._began)
        words = f"{rate:.1f}/s  {counted(self._tally.statuses)}" if jobs else ""
        self._drawn.update(self._task, completed=self._lines.taken_bytes, description=words)
        self._drawn.refresh()

    def close(self) -> None:
        if in_foreground(self._fd):
            self._drawn.stop()


class _Screen(io.StringIO):
    """A terminal that takes what it takes: one that is stopped (Ctrl-S), or gone, must not keep us."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd

    def write(self, text: str) -> int:
        with suppress(OSError):
            os.write(self._fd, text.encode())
        return len(text)
