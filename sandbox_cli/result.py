"""The structured result of a job: its shape, its JSON, and the exit code that `sandbox run` ends with.

`run.execute` returns a `Result` with bytes where the program's own words are; `as_json` turns it into
the published JSON (docs/result.schema.json).
"""

from __future__ import annotations

from typing import Literal, TypedDict

Level = Literal["strict", "sampled", "process", "none"]
Status = Literal[
    "ok", "nonzero-exit", "signalled",
    "wall-time-limit", "cpu-time-limit", "memory-limit", "output-limit", "scratch-limit", "file-size-limit",
    "syscall-denied", "compile-error", "cannot-start", "cancelled", "refused", "sandbox-error",
]  # fmt: skip


class Gap(TypedDict):
    """A clause that a backend can't hold here as required, why, and what would close it."""

    backend: str
    clause: str
    reason: str
    fix: str | None


class Blame(TypedDict):
    """The policy line to change: `source` says whether a file, an option, the ceiling or a default set it."""

    clause: str
    source: Literal["file", "option", "ceiling", "default"]
    file: str | None
    line: int | None


class Clause(TypedDict):
    """One line of the receipt."""

    clause: str
    asked: str
    effective: str
    level: Level
    enforced_by: str | None
    lowered: bool  # by --best-effort
    note: str | None


class Receipt(TypedDict):
    """What held each clause, and why this backend."""

    backend: str
    version: str
    program: str
    chosen: str
    seal: list[str]  # what was inspected from outside before the program started
    clauses: list[Clause]


class Usage(TypedDict):
    """What the job used, of its whole tree; None where nothing could measure, with the reason in `unmeasured`."""

    wall_time_s: float | None
    cpu_time_s: float | None
    cpu_user_s: float | None
    cpu_system_s: float | None
    memory_peak_bytes: int | None
    processes_peak: int | None
    read_bytes: int | None
    written_bytes: int | None
    unmeasured: dict[str, str]
    measured_by: dict[str, str]


class Artifact(TypedDict):
    """A file that the job made or changed in scratch. `path` is relative; `path_base64` is set when it isn't UTF-8."""

    path: str
    path_base64: str | None
    size_bytes: int
    sha256: str
    media_type: str
    content: str | None  # base64, within the cap on inline content
    saved_to: str | None


class ArtifactOmitted(TypedDict):
    """A file that was left out, and why."""

    path: str
    reason: str


class PolicyIdentity(TypedDict):
    """Which policy bound the job; `ceiling` is the digest of the machine's ceiling."""

    name: str
    digest: str
    ceiling: str | None


class Runtime(TypedDict):
    """The interpreter that ran the job."""

    path: str
    version: str | None


class ErrorReport(TypedDict):
    """Why nothing ran."""

    message: str
    hint: str | None
    gaps: list[Gap]


class Compile(TypedDict):
    """The compiler's own run."""

    status: Status
    exit_code: int | None
    signal: str | None
    stdout: str
    stderr: str
    usage: Usage


class FoundArtifact(TypedDict):
    """An artifact as `run` found it: names and content are the job's bytes, hash and media type are not known yet."""

    path: bytes
    size_bytes: int
    sha256: str
    content: bytes | None
    saved_to: str | None


class Outcome(TypedDict):
    """What `run.execute` returns: plain data, with bytes where the job chose them."""

    id: str
    status: Status
    cause: str | None
    blame: Blame | None
    exit_code: int | None
    signal: str | None
    limit_hits: dict[str, int]
    error: ErrorReport | None
    stdout: bytes
    stdout_bytes: int
    stdout_truncated: bool
    stderr: bytes
    stderr_bytes: int
    stderr_truncated: bool
    artifacts: list[FoundArtifact]
    artifacts_omitted: list[tuple[bytes, str]]
    usage: Usage | None
    receipt: Receipt | None
    policy: PolicyIdentity | None
    language: str | None
    runtime: Runtime | None
