"""`sandbox policy check`: whether policies can be used as they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json
from sandbox_cli.cli.policy.names import Names

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import Finding, PolicyCheck
    from sandbox_cli.errors import PolicyError


def check(names: Names = [], json: Json = False) -> int:  # noqa: B006 (the parser copies it)
    """Check policies, by default all that can be had by name.

    Exits 1 where something is wrong with one.
    """
    from sandbox_cli.policy import available

    checked = names or [each.name for each in available()]
    findings = [finding for name in checked if (finding := _finding(name)) is not None]
    if json:
        answer: PolicyCheck = {"checked": checked, "findings": findings}
        output.say(output.as_line(answer))
    else:
        for finding in findings:
            output.say(output.shown(_place(finding)))
            if finding["hint"]:
                output.say(f"  hint: {output.shown(finding['hint'])}")
        output.say(f"{len(checked)} checked, {len(findings)} with something wrong")
    return 1 if findings else 0


def _finding(name: str) -> Finding | None:
    """What is wrong with a policy. That there is none of that name is a mistake of the command line: raised."""
    from sandbox_cli.errors import PolicyError
    from sandbox_cli.policy import load

    try:
        load(name)
    except PolicyError as error:
        if error.file is None:
            raise
        return _as_finding(name, error)
    return None


def _as_finding(name: str, error: PolicyError) -> Finding:
    return {
        "policy": name,
        "file": error.file,
        "line": error.line,
        "column": error.column,
        "clause": error.clause,
        "message": error.message,
        "hint": error.hint,
    }


def _place(finding: Finding) -> str:
    """FILE:LINE:COLUMN: what is wrong, as compilers say it and editors follow it."""
    place = ":".join(str(finding[key]) for key in ("file", "line", "column") if finding[key] is not None)
    clause = f"{finding['clause']}: " if finding["clause"] else ""
    return f"{place}: {clause}{finding['message']}"
