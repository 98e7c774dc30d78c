"""Findings as workflow commands, which GitHub shows beside the lines of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.policy.from_here import shown_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.plan.lint import Checked
    from sandbox_cli.policy.lint.found import Finding

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def commands(examined: Checked) -> Iterator[str]:
    for finding in examined.findings:
        properties = ",".join(f"{key}={_escaped(value, _PROPERTY)}" for key, value in _properties(finding).items())
        yield f"::{_COMMANDS[finding.severity]} {properties}::{_escaped(_message(finding), _DATA)}"


def _properties(finding: Finding) -> dict[str, str]:
    found = {
        "file": shown_path(finding.file) if finding.file is not None else None,
        "line": finding.line,
        "col": finding.column,
        "title": finding.rule,
    }
    return {key: str(value) for key, value in found.items() if value is not None}


def _message(finding: Finding) -> str:
    clause = f"{finding.clause}: " if finding.clause else ""
    return f"{clause}{finding.message}\n{finding.hint}" if finding.hint else f"{clause}{finding.message}"


def _escaped(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(letter) or output.shown(letter) for letter in text)
