"""What a job came to, against what its test expects of it. Pure, but for the look at the host that a denial takes."""

from __future__ import annotations

import re
from fnmatch import translate  # its `*` never goes back: no text takes it long
from typing import TYPE_CHECKING

from sandbox_cli.policy.grammar_of_tests import ANY
from sandbox_cli.run.globs import matcher
from sandbox_cli.testing import denial
from sandbox_cli.text import quoted, readable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.policy.testfile import Expected, Words
    from sandbox_cli.result import Outcome
    from sandbox_cli.testing.denial import Hidden
    from sandbox_cli.testing.outcomes import Mismatch

LONGEST = 200  # characters of a text that are shown
_MOST_ARTIFACTS = 8  # that are named
_NONE = "none"


def judge(expected: Expected, outcome: Outcome, hidden: Hidden, code: bytes = b"") -> list[Mismatch]:
    """What did not come as expected of the program with this text; nothing where the test passed."""
    return [
        {"what": what, "expected": wanted, "observed": observed}
        for what, wanted, observed in [
            *_ending(expected, outcome, hidden, code),
            *_text("stdout", expected.stdout, outcome["stdout"], outcome["stdout_truncated"]),
            *_text("stderr", expected.stderr, outcome["stderr"], outcome["stderr_truncated"]),
            *_text("cause", expected.cause, (outcome["cause"] or "").encode()),
            *_artifacts(expected, outcome),
        ]
    ]


def _ending(expected: Expected, outcome: Outcome, hidden: Hidden, code: bytes) -> Iterator[tuple[str, str, str]]:
    if expected.denied is not None:
        problem = denial.missing(expected.denied, outcome, hidden, code)
        if problem is not None:
            named = "" if expected.denied == ANY else f" by {expected.denied}"
            yield "status", f"a denial{named}", problem
    blame = outcome["blame"]
    for what, wanted, observed in (
        ("status", expected.status, outcome["status"]),
        ("exit_code", expected.exit_code, outcome["exit_code"]),
        ("signal", expected.signal, outcome["signal"]),
        ("blame", expected.blame, blame["clause"] if blame is not None else None),
    ):
        if wanted is not None and wanted != observed:
            why = f" ({outcome['cause']})" if what == "status" and outcome["cause"] else ""
            yield what, str(wanted), (_NONE if observed is None else str(observed)) + why
    for limit in expected.limit_hits:
        if limit not in outcome["limit_hits"]:
            yield "limit_hits", limit, ", ".join(outcome["limit_hits"]) or _NONE


def _text(what: str, wanted: Words | None, found: bytes, cut: bool = False) -> Iterator[tuple[str, str, str]]:
    if wanted is None or _fits(wanted, found):
        return
    more = ", and more that was not kept" if cut else ""
    if wanted.is_pattern:
        yield what, f"what fits {_short(wanted.text)}", _short(readable(found)) + more
    else:
        yield what, *_first_difference(wanted.text, readable(found), more)


def _first_difference(wanted: str, found: str, more: str) -> tuple[str, str]:
    """Both texts where they are short, else the first line in which they differ: they may be as long as a job likes."""
    if max(len(wanted), len(found)) <= LONGEST:
        return quoted(wanted), quoted(found) + more
    ours, theirs = wanted.splitlines(keepends=True), found.splitlines(keepends=True)
    common = min(len(ours), len(theirs))
    at = next((number for number in range(common) if ours[number] != theirs[number]), common)
    told = [_short(lines[at]) if at < len(lines) else "the end" for lines in (ours, theirs)]
    return f"in line {at + 1} {told[0]}", f"{told[1]}{more}"


def _fits(wanted: Words, found: bytes) -> bool:
    if not wanted.is_pattern:
        return wanted.text.encode() == found
    return re.match(translate(wanted.text), readable(found)) is not None


def _artifacts(expected: Expected, outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    if expected.artifacts is None:
        return
    left = {each["path"]: each["content"] for each in outcome["artifacts"]}
    unnamed = set(left)
    for glob, words in expected.artifacts.items():
        named = [path for path in left if matcher([glob])(path)]
        unnamed.difference_update(named)
        if not named:
            yield "artifacts", quoted(glob), _listed(left) or _NONE
        for path in named:
            yield from _text(f"artifact {quoted(readable(path))}", words, left[path] or b"")
    if unnamed:
        yield "artifacts", "none but these" if expected.artifacts else _NONE, _listed(unnamed)


def _listed(paths: dict[bytes, bytes | None] | set[bytes]) -> str:
    names = [_short(readable(path)) for path in sorted(paths)]
    more = [f"and {len(names) - _MOST_ARTIFACTS} more"] if len(names) > _MOST_ARTIFACTS else []
    return ", ".join(names[:_MOST_ARTIFACTS] + more)


def _short(text: str) -> str:
    return quoted(text) if len(text) <= LONGEST else f"{quoted(text[:LONGEST])} and {len(text) - LONGEST} more"
