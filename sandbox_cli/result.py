"""The structured result of a job: its shape and its JSON.

`run.execute` returns an `Outcome` with bytes where the program's own words are; `as_json` turns it into
the published `Result` (docs/result.schema.json).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.text import media_type, readable, text_or_base64, to_base64, well_formed
from sandbox_cli.value import parse

if TYPE_CHECKING:
    from sandbox_cli.errors import SandboxError

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


class Used(TypedDict):
    """What the job used; null where nothing could measure."""

    wall_time_s: float | None
    cpu_time_s: float | None
    cpu_user_s: float | None
    cpu_system_s: float | None
    memory_peak_bytes: int | None
    processes_peak: int | None
    read_bytes: int | None
    written_bytes: int | None


class Usage(Used):
    """What the job used, of its whole tree; None where nothing could measure, with the reason in `unmeasured`."""

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


class CompileOutcome(TypedDict):
    """The compiler's own run, with the bytes that it wrote."""

    status: Status
    exit_code: int | None
    signal: str | None
    stdout: bytes
    stderr: bytes
    usage: Usage


class FoundArtifact(TypedDict):
    """An artifact as `run` found it: names and content are the job's bytes, hash and media type are not known yet."""

    path: bytes
    size_bytes: int
    sha256: str
    content: bytes | None
    saved_to: str | None


class Kept(TypedDict):
    """Where scratch was kept, and what of it was not, with why."""

    path: str
    omitted: list[tuple[bytes, str]]


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
    value: bytes | None  # as the job wrote it, not parsed
    value_error: str | None
    artifacts: list[FoundArtifact]
    artifacts_omitted: list[tuple[bytes, str]]
    kept: Kept | None
    usage: Usage | None
    receipt: Receipt | None
    policy: PolicyIdentity | None
    language: str | None
    runtime: Runtime | None
    compile: CompileOutcome | None


class Result(TypedDict):
    """The published JSON of one job: every key is always there, null where unknown."""

    schema: Literal["sandbox-result/1"]
    id: str
    status: Status
    cause: str | None
    blame: Blame | None
    exit_code: int | None
    signal: str | None
    limit_hits: dict[str, int]
    error: ErrorReport | None
    stdout: str
    stdout_base64: str | None
    stdout_bytes: int
    stdout_truncated: bool
    stderr: str
    stderr_base64: str | None
    stderr_bytes: int
    stderr_truncated: bool
    value: object
    value_error: str | None
    artifacts: list[Artifact]
    artifacts_omitted: list[ArtifactOmitted]
    usage: Usage | None
    receipt: Receipt | None
    policy: PolicyIdentity | None
    language: str | None
    runtime: Runtime | None
    compile: Compile | None


def refusal(error: SandboxError, id: str) -> Outcome:  # noqa: A002 (the published name)
    """The outcome of a job that never ran."""
    return {
        **_nothing_ran(id, error.status),
        "cause": f"{error.blame['clause']}: {error.message}" if error.blame else str(error),
        "blame": error.blame,
        "error": {"message": str(error), "hint": error.hint, "gaps": error.gaps},
    }


def cancellation(signal_name: str, id: str) -> Outcome:  # noqa: A002 (the published name)
    """The outcome of a job that was cancelled before it ran."""
    return {**_nothing_ran(id, "cancelled"), "cause": f"cancelled by {signal_name}", "signal": signal_name}


def as_json(outcome: Outcome) -> Result:
    """The published form. No string of it holds a lone surrogate, which JSON readers refuse."""
    values: dict[str, object] = {
        "schema": "sandbox-result/1",
        **outcome,
        "compile": outcome["compile"] and _compile(outcome["compile"]),
        "artifacts": [_artifact(found) for found in outcome["artifacts"]],
        "artifacts_omitted": [{"path": readable(path), "reason": why} for path, why in outcome["artifacts_omitted"]],
    }  # fmt: skip
    if outcome["value"] is not None:
        values["value"], values["value_error"] = parse(outcome["value"])
    for stream in ("stdout", "stderr"):
        cut = cast("bool", values[f"{stream}_truncated"])
        values[stream], values[f"{stream}_base64"] = text_or_base64(cast("bytes", values[stream]), cut=cut)
    return cast("Result", well_formed({key: values[key] for key in Result.__annotations__}))


def _nothing_ran(id: str, status: str) -> Outcome:  # noqa: A002 (the published name)
    return {
        "id": id, "status": cast("Status", status), "cause": None, "blame": None,
        "exit_code": None, "signal": None, "limit_hits": {}, "error": None,
        "stdout": b"", "stdout_bytes": 0, "stdout_truncated": False,
        "stderr": b"", "stderr_bytes": 0, "stderr_truncated": False,
        "value": None, "value_error": None,
        "artifacts": [], "artifacts_omitted": [], "kept": None,
        "usage": None, "receipt": None, "policy": None, "language": None, "runtime": None,
        "compile": None,
    }  # fmt: skip


def _compile(found: CompileOutcome) -> Compile:
    """A compiler writes text: what is not UTF-8 of it is replaced."""
    stdout, stderr = (text_or_base64(found[stream], cut=True)[0] for stream in ("stdout", "stderr"))
    return {**found, "stdout": stdout, "stderr": stderr}


def _artifact(found: FoundArtifact) -> Artifact:
    path = readable(found["path"])
    content = found["content"]
    return {
        "path": path,
        "path_base64": None if path.encode() == found["path"] else to_base64(found["path"]),
        "size_bytes": found["size_bytes"],
        "sha256": found["sha256"],
        "media_type": media_type(path),
        "content": None if content is None else to_base64(content),
        "saved_to": found["saved_to"],
    }
