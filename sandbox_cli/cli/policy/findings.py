"""Findings as JSON, and in words: as compilers say it and editors follow it, with the line and a caret under it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sandbox_cli.cli import output
from sandbox_cli.cli.policy.from_here import shown_path
from sandbox_cli.errors import PolicyError
from sandbox_cli.policy import reading
from sandbox_cli.policy.guard import Guard
from sandbox_cli.policy.lint import table
from sandbox_cli.policy.lint.excerpt import excerpt, line_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.cli.policy.shapes import Finding as JsonFinding
    from sandbox_cli.cli.policy.shapes import PolicyCheck, SilencedFinding
    from sandbox_cli.plan.lint import Checked
    from sandbox_cli.policy.lint.found import Finding

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
_PLAIN = ""
Line = list[tuple[str, str]]  # texts, each with its style


def as_json(checked: list[str], examined: Checked) -> PolicyCheck:
    silenced = [{**each.finding._asdict(), "reason": each.reason} for each in examined.silenced]
    return {
        "checked": checked,
        "findings": [cast("JsonFinding", each._asdict()) for each in examined.findings],
        "silenced": cast("list[SilencedFinding]", silenced),
    }


def summary(checked: Sequence[str], examined: Checked) -> str:
    counted = [_count(sum(each.severity == name for each in examined.findings), name) for name in table.SEVERITIES]
    found = ", ".join(filter(None, counted)) or "nothing found"
    passed = f"; {len(examined.silenced)} silenced" if examined.silenced else ""
    return f"{_count(len(checked), 'policy', 'policies') or 'no policy'} checked: {found}{passed}"


def tell(checked: Sequence[str], examined: Checked) -> None:
    """Each file's findings under each other, and a closing line; coloured on a terminal."""
    lines = list(_lines(examined.findings))
    if lines:
        lines.append([])
    lines.append([(summary(checked, examined), _PLAIN)])
    output.styled(lines)


def _lines(findings: Sequence[Finding]) -> Iterator[Line]:
    told: set[str] = set()
    # A secret that stands in a policy is not carried on into the log of whoever checks it.
    secret = {(each.file, each.line) for each in findings if each.rule == table.SECRET}
    for index, finding in enumerate(findings):
        if index and finding.file != findings[index - 1].file:
            yield []
        yield _head(finding)
        if (finding.file, finding.line) not in secret:
            yield from _excerpt(finding)
        if finding.rule not in told and finding.rule != table.INVALID:
            yield [("  why: ", "dim"), (table.RULES[finding.rule].why, _PLAIN)]
        told.add(finding.rule)
        if finding.hint:
            yield [("  hint: ", "dim"), (output.shown(finding.hint), _PLAIN)]


def _head(finding: Finding) -> Line:
    place = ":".join(str(part) for part in (_file(finding), finding.line, finding.column) if part is not None)
    clause = f"{finding.clause}: " if finding.clause else ""
    return [
        (f"{output.shown(place)}: ", "bold"),
        (finding.severity, _STYLES[finding.severity]),
        (f": {output.shown(clause + finding.message)} ", _PLAIN),
        (f"[{finding.rule}]", "dim"),
    ]


def _excerpt(finding: Finding) -> Iterator[Line]:
    if finding.file is None or finding.line is None:
        return
    line = line_of(_content(finding.file), finding.line)
    if not line or not line.strip():
        return
    text, before = excerpt(line, finding.column or 1)
    number = f"{finding.line:>5}"
    yield [(f"{number} | ", "dim"), (text, _PLAIN)]
    yield [(f"{' ' * len(number)} | ", "dim"), (" " * before, _PLAIN), ("^", _STYLES[finding.severity])]


def _file(finding: Finding) -> str:
    return shown_path(finding.file) if finding.file is not None else finding.policy


@functools.lru_cache(maxsize=64)
def _content(file: str) -> bytes:
    try:
        return reading.read_bytes(Path(file), guarded=Guard.NONE)
    except PolicyError:  # it went away meanwhile
        return b""


def _count(number: int, one: str, several: str | None = None) -> str:
    if not number:
        return ""
    return f"{number} {one}" if number == 1 else f"{number} {several or one + 's'}"
