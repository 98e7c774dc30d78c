"""What comes of a job, as a program reads it: typed, frozen, with the names of docs/result.schema.json."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sandbox_cli.errors import JobError, UsageError
from sandbox_cli.result import as_json
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Self

    from sandbox_cli import result as shapes
    from sandbox_cli.result import Level, Outcome, Status


@dataclass(frozen=True, slots=True)
class Blame:
    """The line of a policy to change."""

    clause: str  # dotted: limits.memory
    source: Literal["file", "option", "ceiling", "default"]  # who said it
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A clause that a backend can't hold here as required."""

    backend: str
    clause: str
    reason: str
    fix: str | None  # what would close it


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Why nothing ran, where the jail failed."""

    message: str
    hint: str | None
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of a receipt."""

    clause: str
    asked: str
    effective: str
    level: Level  # strict, sampled, process or none
    enforced_by: str | None
    lowered: bool  # by best_effort
    note: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What held each clause, and why this backend."""

    backend: str
    version: str  # of the jailer
    program: str  # its path
    chosen: str  # why this one
    seal: tuple[str, ...]  # what was inspected from outside before the program started
    clauses: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """What the whole tree of processes used; None where nothing could measure."""

    wall_time_s: float | None
    cpu_time_s: float | None
    cpu_user_s: float | None
    cpu_system_s: float | None
    memory_peak_bytes: int | None
    processes_peak: int | None
    read_bytes: int | None
    written_bytes: int | None
    unmeasured: Mapping[str, str]  # why a figure is None
    measured_by: Mapping[str, str]  # who measured the others


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that the job made or changed."""

    path: str  # below the job's directory; odd bytes are written out
    path_base64: str | None  # the exact name, where it is not UTF-8
    size_bytes: int
    sha256: str
    media_type: str  # told by the name alone
    content: bytes | None = field(repr=False)  # None where it would go over 8 MiB in all
    saved_to: str | None

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the content to `path`, which names a file, and returns that. Raises UsageError without content."""
        if self.content is None:
            hint = "up to 8 MiB of files come back in all: collect fewer, or have the job work in a workspace"
            raise UsageError(f"the content of {quoted(self.path)} did not come back", hint=hint)
        target = Path(path)
        target.write_bytes(self.content)
        return target


@dataclass(frozen=True, slots=True)
class ArtifactOmitted:
    """A file that was left out."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class PolicyIdentity:
    """Which policy bound the job."""

    name: str
    digest: str
    ceiling: str | None  # the digest of the machine's ceiling


@dataclass(frozen=True, slots=True)
class Runtime:
    """The interpreter that ran the job."""

    path: str
    version: str | None


@dataclass(frozen=True, slots=True)
class Compile:
    """The compiler's own run."""

    status: Status
    exit_code: int | None
    signal: str | None
    stdout: str
    stderr: str
    usage: Usage


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that came of a job that was started. It can be pickled."""

    id: str
    status: Status  # ok, nonzero-exit, wall-time-limit ...: docs/results.md has all of them
    cause: str | None  # in words that begin with the clause to blame
    blame: Blame | None  # the same as data
    exit_code: int | None
    signal: str | None  # SIGSEGV
    limit_hits: Mapping[str, int]  # limits that the program ran into, and survived
    error: ErrorReport | None  # with status sandbox-error: why nothing ran
    stdout: str  # as text: U+FFFD for what is not UTF-8
    stdout_raw: bytes = field(repr=False)  # what it wrote, byte for byte
    stdout_bytes: int  # how much was written in all
    stdout_truncated: bool  # more was written than `capture` keeps
    stderr: str
    stderr_raw: bytes = field(repr=False)
    stderr_bytes: int
    stderr_truncated: bool
    value: Any  # the JSON that the program gave back
    value_error: str | None
    artifacts: tuple[Artifact, ...]
    artifacts_omitted: tuple[ArtifactOmitted, ...]
    usage: Usage | None = field(repr=False)
    receipt: Receipt | None = field(repr=False)
    policy: PolicyIdentity | None = field(repr=False)
    language: str | None
    runtime: Runtime | None = field(repr=False)
    compile: Compile | None = field(repr=False)
    _outcome: Outcome = field(repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """The program ended with 0."""
        return self.status == "ok"

    def raise_for_status(self) -> Self:
        """Raises JobError, which carries this result, where it is not `ok`; else returns the result itself."""
        if not self.ok:
            raise JobError(self)
        return self

    def to_json(self) -> shapes.Result:
        """The published JSON of the same, as `sandbox run --json` prints it (docs/result.schema.json)."""
        return as_json(self._outcome)

    def artifact(self, path: str) -> Artifact:
        """The one of that path. Raises KeyError where the job left none."""
        return {each.path: each for each in self.artifacts}[path]


def of_outcome(outcome: Outcome) -> Result:
    """Texts are those of the published JSON; bytes are the job's own."""
    told = as_json({**outcome, "artifacts": [{**each, "content": None} for each in outcome["artifacts"]]})
    contents = [each["content"] for each in outcome["artifacts"]]
    return Result(
        id=told["id"],
        status=told["status"],
        cause=told["cause"],
        blame=told["blame"] and Blame(**told["blame"]),
        exit_code=told["exit_code"],
        signal=told["signal"],
        limit_hits=told["limit_hits"],
        error=told["error"] and _error(told["error"]),
        stdout=told["stdout"],
        stdout_raw=bytes(outcome["stdout"]),
        stdout_bytes=told["stdout_bytes"],
        stdout_truncated=told["stdout_truncated"],
        stderr=told["stderr"],
        stderr_raw=bytes(outcome["stderr"]),
        stderr_bytes=told["stderr_bytes"],
        stderr_truncated=told["stderr_truncated"],
        value=told["value"],
        value_error=told["value_error"],
        artifacts=tuple(_artifact(each, content) for each, content in zip(told["artifacts"], contents, strict=True)),
        artifacts_omitted=tuple(ArtifactOmitted(**each) for each in told["artifacts_omitted"]),
        usage=told["usage"] and Usage(**told["usage"]),
        receipt=told["receipt"] and _receipt(told["receipt"]),
        policy=told["policy"] and PolicyIdentity(**told["policy"]),
        language=told["language"],
        runtime=told["runtime"] and Runtime(**told["runtime"]),
        compile=told["compile"] and _compile(told["compile"]),
        _outcome=outcome,
    )


def _artifact(told: shapes.Artifact, content: bytes | None) -> Artifact:
    return Artifact(
        path=told["path"],
        path_base64=told["path_base64"],
        size_bytes=told["size_bytes"],
        sha256=told["sha256"],
        media_type=told["media_type"],
        content=content,
        saved_to=told["saved_to"],
    )


def _error(told: shapes.ErrorReport) -> ErrorReport:
    return ErrorReport(told["message"], told["hint"], tuple(Gap(**each) for each in told["gaps"]))


def _receipt(told: shapes.Receipt) -> Receipt:
    clauses = tuple(Clause(**each) for each in told["clauses"])
    return Receipt(told["backend"], told["version"], told["program"], told["chosen"], tuple(told["seal"]), clauses)


def _compile(told: shapes.Compile) -> Compile:
    return Compile(
        told["status"], told["exit_code"], told["signal"], told["stdout"], told["stderr"], Usage(**told["usage"])
    )
