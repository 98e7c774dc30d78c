"""Findings as a log in SARIF 2.1.0, the form that code scanning services read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sandbox_cli.cli.policy.from_here import here, shown_path
from sandbox_cli.policy.lint.table import RULES

if TYPE_CHECKING:
    from sandbox_cli.plan.lint import Checked
    from sandbox_cli.policy.lint.found import Finding

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "SRCROOT"
_ORDER = list(RULES)
Json = dict[str, Any]


def log(examined: Checked) -> Json:
    """One run. What a file silences is in it too, suppressed, with the reason."""
    results = [_result(each) for each in examined.findings]
    silenced = [
        {**_result(each.finding), "suppressions": [{"kind": "inSource", "justification": each.reason}]}
        for each in examined.silenced
    ]
    root = here()
    run = {
        "tool": {"driver": {"name": "sandbox", "rules": [_rule(name) for name in _ORDER]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": f"{_uri(str(root)).rstrip('/')}/"}} if root is not None else {},
        "results": [*results, *silenced],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str) -> Json:
    rule = RULES[name]
    return {
        "id": name,
        "shortDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding) -> Json:
    clause = f"{finding.clause}: " if finding.clause else ""
    hint = f"\n{finding.hint}" if finding.hint else ""
    return {
        "ruleId": finding.rule,
        "ruleIndex": _ORDER.index(finding.rule),
        "level": finding.severity,
        "message": {"text": _message(f"{clause}{finding.message}{hint}")},
        "locations": [_location(finding)],
    }


def _message(text: str) -> str:
    """Braces are doubled: single ones would be places for arguments."""
    return text.replace("{", "{{").replace("}", "}}")


def _location(finding: Finding) -> Json:
    """What no line says is told of the first one: services show no finding without a line."""
    location: Json = {}
    if finding.file is not None:
        region = {"startLine": finding.line or 1}
        if finding.column is not None:
            region["startColumn"] = finding.column
        location["physicalLocation"] = {"artifactLocation": _artifact(finding.file), "region": region}
    if finding.clause:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.clause}]
    return location


def _artifact(file: str) -> Json:
    path = shown_path(file)
    return {"uri": _uri(path)} if path.startswith("/") else {"uri": quote(os.fsencode(path)), "uriBaseId": _ROOT}


def _uri(path: str) -> str:
    return f"file://{quote(os.fsencode(path))}"
