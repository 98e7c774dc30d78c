"""The jobs of a batch, one after another as they are asked for: each with an id that only it has."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox_cli.api.request import request_of
from sandbox_cli.batch.parse import document_of, id_of
from sandbox_cli.errors import UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox_cli.api.request import JobRequest
    from sandbox_cli.batch.lines import Line
    from sandbox_cli.batch.seen import Seen


class Asked(NamedTuple):
    """One line: what it asks for, or why it is no job."""

    id: str
    line: int
    request: JobRequest | None = None
    problem: UsageError | None = None


class Jobs:
    """What the lines ask for. `seen` gets every id, `finished` are those that have a result from before; `complete`
    adds to a document what it leaves out.

    Ids depend on the lines alone, so that the same lines get the same ids when they are gone through once more.
    """

    def __init__(
        self,
        lines: Iterable[Line],
        seen: Seen,
        finished: Seen | None,
        complete: Callable[[dict[str, Any]], dict[str, Any]] = dict,
    ) -> None:
        self.skipped = 0  # since they were finished
        self._lines, self._seen, self._finished = lines, seen, finished
        self._complete = complete

    def __iter__(self) -> Iterator[Asked]:
        for line in self._lines:
            if line.text is not None and not line.text.strip():
                continue
            asked = self._asked(line)
            if self._finished is not None and asked.id in self._finished:
                self.skipped += 1
            else:
                yield asked

    def _asked(self, line: Line) -> Asked:
        document: dict[str, Any] = {}
        request = problem = None
        try:
            document = document_of(line)
            request = request_of(self._complete(document))
        except UsageError as error:
            problem = error.with_traceback(None)  # which leads here, and would keep all of it until it is collected
            problem.__context__ = None
        given = id_of(document)
        if problem is not None:  # what is no job must not take the id, or the number of a line, from a job
            return Asked(self._another(line.number), line.number, problem=problem)
        if given is None:
            given = str(line.number)
        if not self._seen.add(given):
            problem = UsageError(f"id {quoted(given)} was used before", hint="give each job an id of its own, or none")
            return Asked(self._another(line.number), line.number, problem=problem)
        assert request is not None
        request.id = given
        return Asked(given, line.number, request)

    def _another(self, number: int) -> str:
        """An id that nobody has, for a result that can't have its job's."""
        names = (f"line {number}" + (f" ({again})" if again else "") for again in count())
        return next(name for name in names if self._seen.add(name))
