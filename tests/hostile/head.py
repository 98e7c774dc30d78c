"""The head of an attack: what it attempts, which limits it gets, and what must become of it. Nothing else says so.

The first lines of the file, as comments.py has them; `expect` once for each choice of words after it:

    attempt: a sentence
    clause: limits.NAME     the limit that is attacked: who holds it chooses among the expectations
    limits: NAME=VALUE ...  the job's
    takes: how much the program takes before it ends by itself with 0, where nothing stops it
    control: NAME=VALUE ... the limits that let it
    expect: OUTCOME [or OUTCOME]...
    expect WORD...: OUTCOME [or OUTCOME]... -- why it is another one here
    touches: SIZE           optional: the memory that it has at once; a group must have seen it
    burns: TIME             optional: the CPU time that it takes; a group must have seen it
    share: NUMBER           optional: the cores that it may use, where a group holds `cpus`
    stdin: SIZE             optional: so many zero bytes are sent
    policy: YAML            optional: one more line of the job's policy

OUTCOME is `STATUS CLAUSE END [hits=NAME]`: CLAUSE is the one to blame or `-`, END an exit code, the name of a signal,
or `any` where it is the scheduler's choice. WORDs are enforcers (group, sampler, rlimit, mount, supervisor, nobody),
backends and accounts: the expectation with the most of them that are all true is the one that holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox_cli.backends import BACKENDS
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import units
from tests.hostile.comments import HeadError, best, entries, reasoned, words

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

REQUIRED = ("attempt", "clause", "limits", "takes", "control")
OPTIONAL = ("touches", "burns", "share", "stdin", "policy")
ENFORCERS = {"group", "sampler", "rlimit", "mount", "supervisor", "nobody"}
WORDS = ENFORCERS | {*BACKENDS, "root", "user"}
STATUSES = {
    "ok", "nonzero-exit", "signalled", "wall-time-limit", "cpu-time-limit", "memory-limit", "output-limit",
    "scratch-limit", "file-size-limit",
}  # fmt: skip
_OUTCOME = re.compile(r"([a-z-]+) (-|limits\.[a-z_]+) (\d+|SIG[A-Z0-9]+|any)(?: hits=([a-z_]+))?")


@dataclass(frozen=True)
class Ending:
    """One way in which the job may end."""

    status: str
    clause: str | None  # that is blamed
    end: int | str | None  # an exit code or the name of a signal; None: either
    hit: str | None  # must stand in limit_hits


@dataclass(frozen=True)
class Head:
    name: str
    attempt: str
    clause: str
    limits: dict[str, str]
    takes: str
    control: dict[str, str]
    expected: dict[frozenset[str], tuple[Ending, ...]]
    touches: int | None = None
    burns: float | None = None  # seconds
    share: float | None = None
    stdin: int = 0
    policy: str = ""

    def endings(self, facts: Collection[str]) -> tuple[Ending, ...]:
        """Those that may be where these words are true."""
        return best(self.expected, facts)


def read(path: Path) -> Head:
    """Raises HeadError where anything in it is not as the form says."""
    try:
        return _head(path.stem, entries(path))
    except HeadError as error:
        raise HeadError(f"{path.name}: {error}") from None


def _head(name: str, said: dict[str, str]) -> Head:
    expectations = {key: value for key, value in said.items() if key.split()[0] == "expect"}
    unknown = said.keys() - expectations.keys() - {*REQUIRED, *OPTIONAL}
    missing = set(REQUIRED) - said.keys()
    if unknown or missing or not expectations:
        raise HeadError(f"unknown: {sorted(unknown)}; missing: {sorted(missing)}; {len(expectations)} expectations")
    if said["clause"].removeprefix("limits.") not in units.LIMITS or not said["clause"].startswith("limits."):
        raise HeadError(f"no limit: {said['clause']}")
    expected: dict[frozenset[str], tuple[Ending, ...]] = {}
    for key, value in expectations.items():
        where = words(key, WORDS)
        if where in expected:
            raise HeadError(f"{key} stands twice, in another order")
        expected[where] = _endings(value, exception=bool(where))
    return Head(
        name=name, attempt=said["attempt"], clause=said["clause"], takes=said["takes"],
        limits=_limits(said["limits"]), control=_limits(said["control"]), expected=expected,
        touches=int(units.parse("size", said["touches"])) if "touches" in said else None,
        burns=units.parse("time", said["burns"]) if "burns" in said else None,
        share=float(said["share"]) if "share" in said else None,
        stdin=int(units.parse("size", said.get("stdin", "0B"))),
        policy=said.get("policy", ""),
    )  # fmt: skip


def _endings(text: str, *, exception: bool) -> tuple[Ending, ...]:
    return tuple(_ending(each) for each in reasoned(text, exception).split(" or "))


def _ending(text: str) -> Ending:
    match = _OUTCOME.fullmatch(text)
    if match is None or match[1] not in STATUSES:
        raise HeadError(f"no outcome: {text}")
    status, clause, end, hit = match.groups()
    if (clause == "-") == status.endswith("-limit"):
        raise HeadError(f"a limit, and nothing but a limit, is blamed: {text}")
    for name in (clause.removeprefix("limits."), hit):
        if name not in {None, "-", *units.LIMITS}:
            raise HeadError(f"no limit: {name}")
    number = int(end) if end.isdigit() else None if end == "any" else end
    return Ending(status, None if clause == "-" else clause, number, hit)


def _limits(text: str) -> dict[str, str]:
    limits: dict[str, str] = {}
    for pair in text.split():
        name, equals, value = pair.partition("=")
        if not equals or name in limits:
            raise HeadError(f"not NAME=VALUE, or twice: {pair}")
        if value != "none":
            try:
                units.parse_limit(name, value)
            except PolicyError as error:
                raise HeadError(f"{pair}: {error}") from None
        limits[name] = value
    return limits
