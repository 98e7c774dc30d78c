"""What `sandbox policy explain` prints with --json; docs/ has the schema."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.plan.weighing import Examined
from sandbox_cli.policy.order import Relation
from sandbox_cli.result import Blame, Level
from sandbox_cli.testing.outcomes import Tested


class ListedPolicy(TypedDict):
    """`problem` says why it can't be loaded; null where it can."""

    name: str
    path: str
    where: Literal["system", "user", "built in"]
    description: str | None
    language: str | None
    problem: str | None


class PolicyList(TypedDict):
    """`sandbox policy list`."""

    policies: list[ListedPolicy]


class ShownPolicy(TypedDict):
    """`sandbox policy show`: all clauses, the digest over them, and where each was said."""

    name: str
    digest: str
    files: list[str]
    policy: dict[str, object]
    sources: dict[str, Blame]


class Finding(TypedDict):
    """What is wrong with a policy, and where; of what no line says `line` is null. docs/rules.md has the rules."""

    policy: str
    rule: str
    severity: Literal["error", "warning", "note"]
    file: str | None
    line: int | None
    column: int | None
    clause: str | None
    message: str
    hint: str | None


class SilencedFinding(Finding):
    """What a file lets pass, with its reason."""

    reason: str


class PolicyCheck(TypedDict):
    """`sandbox policy check`: what several policies inherit is found once, for the first of them."""

    checked: list[str]
    findings: list[Finding]
    silenced: list[SilencedFinding]


class DiffSide(TypedDict):
    """A policy that is compared: its file, or git:REV:PATH, and the digest over all that it says."""

    file: str
    digest: str


class DiffPlace(TypedDict):
    """The line that says something."""

    file: str
    line: int


class DiffChange(TypedDict):
    """A clause: `relation` is what it now is to what it was; `equal` touches no permission."""

    clause: str
    relation: Relation
    before: str
    after: str
    before_at: DiffPlace | None
    after_at: DiffPlace | None


class DiffedPolicy(TypedDict):
    """A policy: null stands for one that is not there; `problem` says why the one before could not be used."""

    policy: str
    relation: Relation
    before: DiffSide | None
    after: DiffSide | None
    problem: str | None
    changes: list[DiffChange]


class PolicyDiff(TypedDict):
    """`sandbox policy diff`."""

    relation: Relation
    policies: list[DiffedPolicy]


class LockChange(TypedDict):
    """A policy that is not what was locked: null where it wasn't, or is there no more."""

    policy: str
    locked: str | None
    found: str | None


class PolicyLock(TypedDict):
    """`sandbox policy lock`: the digest of each policy by the name of its file, and how the lock differed."""

    file: str
    written: bool
    policies: dict[str, str]
    changes: list[LockChange]


class PolicyTests(TypedDict):
    """`sandbox policy test`: each test on each backend, and how many of each verdict there are."""

    passed: int
    failed: int
    skipped: int
    tests: list[Tested]


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
