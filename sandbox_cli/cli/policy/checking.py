"""`sandbox policy check`: what is wrong or unwise in policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json
from sandbox_cli.cli.policy.names import Targets
from sandbox_cli.errors import UsageError

if TYPE_CHECKING:
    from sandbox_cli.plan.lint import Checked

Format = Literal["text", "json", "sarif", "github"]
Severity = Literal["error", "warning", "note"]
Formats = Annotated[
    Format | None,
    typer.Option(
        "--format",
        help="How findings are printed: text (the default), json, sarif (2.1.0, for code scanning), or github (a "
        "workflow's annotations).",
    ),
]
FailOn = Annotated[
    Severity | None,
    typer.Option("--fail-on", help="The least severity of a finding that ends with 1. Default: error."),
]
Strict = Annotated[bool, typer.Option("--strict", help="Any finding ends with 1: the same as --fail-on note.")]


def check(
    names: Targets = [],  # noqa: B006 (the parser copies it)
    format: Formats = None,  # noqa: A002 (the option's name)
    json: Json = False,
    fail_on: FailOn = None,
    strict: Strict = False,
) -> int:
    """Check policies, by default all that can be had by name.

    What can't be loaded is found with its place and the nearest right spelling; what can is held against the rules
    of docs/rules.md, some of which ask what this host can hold. A file silences a finding with `silence`.

    Exits 1 where a finding is at or over the severity of --fail-on.
    """
    from sandbox_cli.plan import lint, machine
    from sandbox_cli.policy import ceiling, folders
    from sandbox_cli.policy import config as configuration
    from sandbox_cli.policy.lint import table

    least = _least(fail_on, strict=strict)
    wanted = _format(format, json=json)
    checked = folders.named(names)
    examined = lint.examine(checked, machine.looking(configuration.load()), ceiling.load())
    _print(wanted, checked, examined)
    return 1 if any(table.at_or_over(each.severity, least) for each in examined.findings) else 0


def _least(fail_on: Severity | None, *, strict: bool) -> Severity:
    if strict and fail_on not in {None, "note"}:
        raise UsageError(f"--strict and --fail-on {fail_on} say different things", hint="give one of them")
    return "note" if strict else fail_on or "error"


def _format(given: Format | None, *, json: bool) -> Format:
    if json and given not in {None, "json"}:
        raise UsageError(f"--json and --format {given} say different things", hint="give one of them")
    return "json" if json else given or "text"


def _print(wanted: Format, checked: list[str], examined: Checked) -> None:
    from sandbox_cli.cli.policy import findings, github, sarif

    match wanted:
        case "json":
            output.say(output.as_line(findings.as_json(checked, examined)))
        case "sarif":
            output.say(output.as_line(sarif.log(examined)))
        case "github":
            for line in github.commands(examined):
                output.say(line)
            output.say(findings.summary(checked, examined))
        case "text":
            findings.tell(checked, examined)
