"""The head of an attack: what it attempts, which limits it gets, and what must become of it. Nothing else says so.

The first lines of the file, each a comment `KEY: VALUE`, up to the first line that is none. What does not fit in a line
goes on in the next, four blanks in. Each key once; `expect` once for each choice of words after it:

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

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

COMMENTS = {".c": "//", ".py": "#"}
REQUIRED = ("attempt", "clause", "limits", "takes", "control")
OPTIONAL = ("touches", "burns", "share", "stdin", "policy")
ENFORCERS = {"group", "sampler", "rlimit", "mount", "supervisor", "nobody"}
WORDS = ENFORCERS | {*BACKENDS, "root", "user"}
STATUSES = {
    "ok", "nonzero-exit", "signalled", "wall-time-limit", "cpu-time-limit", "memory-limit", "output-limit",
    "scratch-limit", "file-size-limit",
}  # fmt: skip
_OUTCOME = re.compile(r"([a-z-]+) (-|limits\.[a-z_]+) (\d+|SIG[A-Z0-9]+|any)(?: hits=([a-z_]+))?")


class HeadError(ValueError):
    """A head that is not as the form says."""


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
        found = [words for words in self.expected if words <= set(facts)]
        most = max((len(words) for words in found), default=-1)
        best = [words for words in found if len(words) == most]
        if len(best) != 1:
            raise HeadError(f"{self.name}: {len(best)} expectations for {sorted(facts)}")
        return self.expected[best[0]]


def read(path: Path) -> Head:
    """Raises HeadError where anything in it is not as the form says."""
    try:
        return _head(path.stem, _entries(path))
    except HeadError as error:
        raise HeadError(f"{path.name}: {error}") from None


def _entries(path: Path) -> dict[str, str]:
    entries: dict[str, str] = {}
    mark, key = COMMENTS[path.suffix], ""
    for line in path.read_text(encoding="ascii").splitlines():
        if not line.startswith(mark):
            break
        text = line.removeprefix(mark)
        if text.startswith("     ") and key:
            entries[key] += f" {text.strip()}"
            continue
        key, colon, value = text.removeprefix(" ").partition(": ")
        if not colon or key != key.strip() or not value.strip():
            raise HeadError(f"not `KEY: VALUE`: {line}")
        if key in entries:
            raise HeadError(f"{key} stands twice")
        entries[key] = value.strip()
    return entries


def _head(name: str, entries: dict[str, str]) -> Head:
    expectations = {key: value for key, value in entries.items() if key.split()[0] == "expect"}
    unknown = entries.keys() - expectations.keys() - {*REQUIRED, *OPTIONAL}
    missing = set(REQUIRED) - entries.keys()
    if unknown or missing or not expectations:
        raise HeadError(f"unknown: {sorted(unknown)}; missing: {sorted(missing)}; {len(expectations)} expectations")
    if entries["clause"].removeprefix("limits.") not in units.LIMITS or not entries["clause"].startswith("limits."):
        raise HeadError(f"no limit: {entries['clause']}")
    expected: dict[frozenset[str], tuple[Ending, ...]] = {}
    for key, value in expectations.items():
        words = _words(key)
        if words in expected:
            raise HeadError(f"{key} stands twice, in another order")
        expected[words] = _endings(value, reasoned=bool(words))
    return Head(
        name=name, attempt=entries["attempt"], clause=entries["clause"], takes=entries["takes"],
        limits=_limits(entries["limits"]), control=_limits(entries["control"]), expected=expected,
        touches=int(units.parse("size", entries["touches"])) if "touches" in entries else None,
        burns=units.parse("time", entries["burns"]) if "burns" in entries else None,
        share=float(entries["share"]) if "share" in entries else None,
        stdin=int(units.parse("size", entries.get("stdin", "0B"))),
        policy=entries.get("policy", ""),
    )  # fmt: skip


def _words(key: str) -> frozenset[str]:
    words = key.split()[1:]
    if not WORDS.issuperset(words) or len(set(words)) != len(words):
        raise HeadError(f"unknown words: {key}")
    return frozenset(words)


def _endings(text: str, *, reasoned: bool) -> tuple[Ending, ...]:
    said, dashes, reason = text.partition(" -- ")
    if bool(dashes and reason.strip()) != reasoned:
        raise HeadError(f"{'no reason' if reasoned else 'a reason for the rule'}: {text}")
    return tuple(_ending(each) for each in said.split(" or "))


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
