"""Every kind of error: raised anywhere, caught once, in cli. Imports nothing, since `run` imports it.

Each kind has the result status that it becomes in `run` and `exec` (whose exit code is then always
125), and the exit code that every other command ends with: 2 for usage, 125 for the host.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.api.results import Result
    from sandbox_cli.result import Blame, Gap, PolicyIdentity


class SandboxError(Exception):
    """A failure that its reader can act on: one sentence, and a hint that says what to do about it.

    `blame` is the clause to change, and who said it; the sentence then begins with that clause.
    """

    status = "refused"
    exit_code = 125
    id: str | None = None  # of the job that it kept from running, where that had one already
    policy: PolicyIdentity | None = None  # which that job would have run under, as far as it is known
    language: str | None = None

    def __init__(
        self, message: str, *, hint: str | None = None, gaps: Sequence[Gap] = (), blame: Blame | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.gaps = list(gaps)
        self.blame = blame

    def __str__(self) -> str:
        return f"{self.blame['clause']}: {self.message}" if self.blame else self.message


class UsageError(SandboxError):
    """An option, an argument or an input that can't be used as given."""

    exit_code = 2


class PolicyError(SandboxError):
    """A policy that can't be read, or that says something it can't say.

    `file`, `line` and `column` (1-based) point at the text, `clause` is dotted; each None where unknown.
    """

    exit_code = 2

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        clause: str | None = None,
    ) -> None:
        blame: Blame | None = None
        if file is not None and clause is not None:
            blame = {"clause": clause, "source": "file", "file": file, "line": line}
        super().__init__(message, hint=hint, blame=blame)
        self.file, self.line, self.column, self.clause = file, line, column, clause

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return ": ".join(part for part in (place, self.clause, self.message) if part)


class HostError(SandboxError):
    """This machine lacks what the job needs: a jailer, a runtime, room on the disk.

    `result` is there where a job did run, and only its line in an audit was lost.
    """

    result: Result | None = None


class RefusedError(SandboxError):
    """The policy asks for more than any backend can hold here; `gaps` says what, why and the fix."""


class JobError(SandboxError):
    """A job that ran and did not end well, of which `result` has everything; `Result.raise_for_status` raises it."""

    exit_code = 1

    def __init__(self, result: Result) -> None:
        super().__init__(result.cause or f"{result.status}: exit code {result.exit_code}")
        self.args = (result,)  # what it is made of again when it is unpickled
        self.result = result
