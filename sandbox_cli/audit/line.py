"""What an audit tells of a job: who, when, under which policy, and how it ended. Nothing that the job brought or wrote.

A cause is copied where it is made of clauses, numbers and names of signals alone. Else it may quote a file, an
argument or what a jailer printed, and words of our own stand for it.
"""

from __future__ import annotations

import hashlib
import os
import pwd
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.errors import HostError, PolicyError, UsageError
from sandbox_cli.policy.requirements import OF_COMPILE, REQUIRED
from sandbox_cli.result import Blame, PolicyIdentity, Status, Used

if TYPE_CHECKING:
    from sandbox_cli.errors import SandboxError
    from sandbox_cli.job import Job
    from sandbox_cli.result import Outcome, Usage

Kind = Literal["run", "exec", "shell", "test", "api", "batch", "mcp"]

_COPIED = {
    "wall-time-limit", "cpu-time-limit", "memory-limit", "output-limit", "scratch-limit", "file-size-limit",
    "syscall-denied", "signalled", "cancelled",
}  # fmt: skip
_IN_OUR_WORDS = {
    "compile-error": "the compiler failed",
    "sandbox-error": "the jail, or sandbox itself, failed",
    "refused": "it is not allowed, or nothing here can hold it",
}
_REFUSALS: tuple[tuple[type[SandboxError], str], ...] = (
    (UsageError, "the job can't be run as it was asked for"),
    (PolicyError, "the policy can't be used"),
    (HostError, "this machine lacks what the job needs"),
)
_NO_LOGIN = 0xFFFFFFFF  # of a process that no login stands behind


class Account(TypedDict):
    """Who ran it. `login_uid` is who logged in, before any sudo or su; null where the kernel knows of no login."""

    uid: int
    name: str | None
    login_uid: int | None


class Backend(TypedDict):
    """The jailer."""

    name: str
    version: str


class Source(TypedDict):
    """sha256 of the program's text (`code`), or of the command's words, each ended by a NUL byte (`command`)."""

    of: Literal["code", "command"]
    digest: str


class Compiled(TypedDict):
    """How the compiler's own run ended."""

    status: Status
    usage: Used


class AuditLine(TypedDict):
    """One job: every key is always there, null where unknown. `id`, `status` and what follows are as in its result."""

    schema: Literal["sandbox-audit/1"]
    id: str
    kind: Kind
    started: str
    ended: str
    host: str
    pid: int  # of sandbox itself
    account: Account
    policy: PolicyIdentity | None
    backend: Backend | None
    language: str | None
    source: Source | None
    status: Status
    exit_code: int | None
    signal: str | None
    cause: str | None
    blame: Blame | None
    lowered: list[str]  # by --best-effort
    compile: Compiled | None
    usage: Used | None


def source_of(job: Job, code: bytes | None) -> Source:
    """`code`: the program's text, where the job is code."""
    words = job.get("command") or []
    text = code if code is not None else b"".join(os.fsencode(word) + b"\0" for word in words)
    return {"of": "command" if code is None else "code", "digest": f"sha256:{hashlib.sha256(text).hexdigest()}"}


def line_of(
    outcome: Outcome, source: Source | None, *, job_id: str, kind: Kind, began_ns: int, error: SandboxError | None
) -> AuditLine:
    """`error` is why nothing ran."""
    receipt, compiled = outcome["receipt"], outcome["compile"]
    return {
        "schema": "sandbox-audit/1",
        "id": job_id,
        "kind": kind,
        "started": _moment(began_ns / 1e9),
        "ended": _moment(datetime.now(UTC).timestamp()),
        "host": os.uname().nodename,
        "pid": os.getpid(),
        "account": _account(),
        "policy": outcome["policy"],
        "backend": {"name": receipt["backend"], "version": receipt["version"]} if receipt else None,
        "language": outcome["language"],
        "source": source,
        "status": outcome["status"],
        "exit_code": outcome["exit_code"],
        "signal": outcome["signal"],
        "cause": _cause(outcome, error),
        "blame": _blame(outcome["blame"]),
        "lowered": [row["clause"] for row in receipt["clauses"] if row["lowered"]] if receipt else [],
        "compile": {"status": compiled["status"], "usage": _used(compiled["usage"])} if compiled else None,
        "usage": _used(outcome["usage"]) if outcome["usage"] else None,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _account() -> Account:
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = None
    return {"uid": uid, "name": name, "login_uid": _login_uid()}


def _login_uid() -> int | None:
    try:
        uid = int(Path("/proc/self/loginuid").read_text(encoding="ascii"))
    except OSError:
        return None  # a kernel without it
    return None if uid == _NO_LOGIN else uid


def _used(usage: Usage) -> Used:
    return cast("Used", {name: cast("dict[str, object]", usage)[name] for name in Used.__annotations__})


def _cause(outcome: Outcome, error: SandboxError | None) -> str | None:
    status = outcome["status"]
    if status in _COPIED:
        return outcome["cause"]
    if status == "cannot-start":
        return "the program was not found" if outcome["exit_code"] == 127 else "the program can't be executed"
    words = next((said for kind, said in _REFUSALS if isinstance(error, kind)), _IN_OUR_WORDS.get(status))
    blame = _blame(outcome["blame"])
    return f"{blame['clause']}: {words}" if blame and words else words


def _blame(blame: Blame | None) -> Blame | None:
    """With the clause as far as it is a word of ours: what follows may be a path that somebody typed."""
    if blame is None:
        return None
    clause = blame["clause"]
    limit = f"limits.{clause.rpartition('.')[2]}"
    known = clause == limit or clause.startswith(OF_COMPILE)
    if not (known and limit in REQUIRED):
        clause = "language.compile" if clause == "language.compile" else clause.partition(".")[0]
    return {**blame, "clause": clause}
