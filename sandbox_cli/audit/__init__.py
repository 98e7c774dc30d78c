"""The audit: one line of JSON a job, in every file that is to have it (docs/audit.md).

Whoever runs jobs (the command line) makes an `Audit` before it looks at a job, opens it before the job starts, and
writes how the job ended, or why it never began. Imported only where some file is to have a line.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from sandbox_cli.audit.file import AuditFile
from sandbox_cli.audit.line import line_of, source_of
from sandbox_cli.errors import SandboxError
from sandbox_cli.text import quoted, well_formed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.audit.line import Kind, Source
    from sandbox_cli.job import Job
    from sandbox_cli.plan.audits import Demand
    from sandbox_cli.result import Outcome

__all__ = ["Audit"]


class Audit:
    """The line of one job. `describe` says what the job is, as soon as that is known."""

    def __init__(self, job_id: str, kind: Kind, demands: Sequence[Demand]) -> None:
        self._id = job_id
        self._kind: Kind = kind
        self._demands = demands
        self._began_ns = time.time_ns()
        self._source: Source | None = None
        self._files: list[AuditFile] = []

    def open(self) -> None:
        """Opens every file. Raises RefusedError for the first that can't be written; the others have their line."""
        refused: SandboxError | None = None
        for demand in self._demands:
            try:
                self._files.append(AuditFile(demand))
            except SandboxError as error:
                refused = refused or error
        if refused is not None:
            raise refused

    def describe(self, job: Job, code: bytes | None) -> None:
        """`code`: the program's text, where the job is code."""
        self._source = source_of(job, code)

    def write(self, outcome: Outcome, error: SandboxError | None = None) -> str | None:
        """Appends the line, once. `error` is why nothing ran. Returns why a file did not get it, or None."""
        if not self._files:
            return None
        said = line_of(outcome, self._source, job_id=self._id, kind=self._kind, began_ns=self._began_ns, error=error)
        text = json.dumps(well_formed(said), allow_nan=False).encode() + b"\n"
        problem = None
        for file in self._files:
            try:
                file.append(text)
            except OSError as failed:
                problem = f"audit: {quoted(file.path)} did not get the line of this job: {failed.strerror}"
        self.close()
        return problem

    def close(self) -> None:
        while self._files:
            self._files.pop().close()
