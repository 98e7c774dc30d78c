"""What `sandbox policy explain` prints with --json; docs/ has the schema."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.cli.shapes import Examined
from sandbox_cli.result import Level


class PolicyWord(TypedDict):
    """What one file says of a clause: `value` as a policy writes it, of an `append` only what is added, `null` where it
    takes it away. Without a file nobody says it, and it holds by default."""

    act: Literal["set", "append", "remove", "default"]
    value: str
    file: str | None
    line: int | None


class PolicyChain(TypedDict):
    """The words on one clause: the first holds, each took the place of the next, or was appended to it."""

    clause: str
    words: list[PolicyWord]


class HeldBy(TypedDict):
    """What a backend would do with a clause on this host; `enough`: a run is not refused for it."""

    name: str
    level: Level
    enforced_by: str | None
    required: Level
    enough: bool
    reason: str | None
    fix: str | None


class CappedClause(TypedDict):
    """What says more than the machine's ceiling has: brought down to what that allows, or `refused` to every job."""

    clause: str
    refused: bool
    said: str
    allowed: str
    file: str | None
    line: int | None


class ExplainedClause(TypedDict):
    """A clause: what it means under the ceiling, what is to be said beside it, who said it, what becomes of it here."""

    clause: str
    sentence: str
    notes: list[str]
    said: list[PolicyChain]
    ceiling: list[CappedClause]
    backends: list[HeldBy]


class PolicyExplained(TypedDict):
    """`sandbox policy explain`: clauses in the grammar's order, and the backends where one was asked about.

    `digest` is the policy's own, `ceiling` that of the machine's ceiling; null where there is none.
    """

    policy: str
    digest: str
    ceiling: str | None
    files: list[str]
    clauses: list[ExplainedClause]
    backends: list[Examined]
