"""What whoever goes on with a file of results should know of it. Nothing of it keeps the jobs from running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from sandbox_cli.batch.results import ResultsFile


def tell_of_file(results: ResultsFile) -> None:
    """What was found in it, and mended."""
    name = quoted(results.path)
    if results.cut_bytes:
        output.tell(f"{name}: the last line was not all there: {results.cut_bytes} bytes were taken away")
    for job in results.doubled:
        output.tell(f"{name}: {quoted(job)} has more than one result")


def tell_of_strangers(results: ResultsFile, skipped: int) -> None:
    """Once all jobs are known. `skipped`: how many had a result."""
    strangers = results.count - skipped
    if strangers:
        many = "1 result is" if strangers == 1 else f"{strangers} results are"
        output.tell(f"{quoted(results.path)}: {many} of no job of this input")
        output.hint(
            "is it the file of another batch, or were lines put in or taken out? Jobs without id go by line number"
        )
