"""Every example in the pages of docs/ that PAGES names does what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import typer

from sandbox_cli import policy
from sandbox_cli.audit.line import AuditLine
from sandbox_cli.cli import app
from sandbox_cli.cli.exit_codes import EXIT_CODES
from sandbox_cli.cli.schemas import json_schema
from sandbox_cli.policy import units

if TYPE_CHECKING:
    from tests.accounts import Sandbox

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = {
    name: (DOCS / name).read_text()
    for name in (
        "audit.md",
        "batch.md",
        "ceiling.md",
        "cli.md",
        "limits.md",
        "policies.md",
        "recipes.md",
        "results.md",
        "review.md",
        "verify.md",
    )
}
MARK = "\x1e"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)


def examples(page: str) -> list[tuple[str, str]]:
    """(command, what it prints), in the order of the page; `> ` continues a command."""
    found: list[tuple[str, str]] = []
    for line in "".join(blocks(page, "console")).splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif line.startswith((">\n", "> ")):
            found[-1] = (found[-1][0] + (line[2:] or "\n"), found[-1][1])
        else:
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


def as_pattern(printed: str) -> str:
    """`...` stands for anything: on a line of its own for any number of lines. Runs of spaces are one."""
    lines = []
    for line in printed.splitlines():
        pattern = re.escape(re.sub(r" +", " ", line)).replace(re.escape("..."), ".*").replace(r"\ ", " ")
        lines.append("(?s:.*)" if line == "..." else pattern.replace(" .*", " ?.*").replace(".* ", ".* ?") + r" *\n")
    return "".join(lines)


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("page", PAGES)
def test_every_example_prints_what_the_page_says(sandbox: Sandbox, shared_tmp: Path, page: str) -> None:
    tools = shared_tmp / "tools"
    tools.mkdir()
    (tools / "sandbox").write_text(f'#!/bin/sh\nexec {" ".join(sandbox.command)} "$@"\n')
    (tools / "sandbox").chmod(0o755)
    told = examples(page)
    assert len(told) > 5
    # One shell for the page. After each command a mark is printed, and its exit code is left in $? as it was.
    script = "".join(f"{command}code=$?; printf '{MARK}'; (exit $code)\n" for command, _ in told)
    (tools / "page.sh").write_text(f"exec 2>&1\n{script}")
    environment = {"PATH": f"{tools}:{sandbox.account.environment['PATH']}"}
    done = sandbox.account.run(["sh", str(tools / "page.sh")], cwd=shared_tmp, env=environment, timeout=300)
    answers = done.stdout.decode().split(MARK)[:-1]
    assert len(answers) == len(told), done.stdout.decode()
    for (command, printed), answer in zip(told, answers, strict=True):
        said = re.sub(r" +", " ", answer)
        assert re.fullmatch(as_pattern(printed), said), f"$ {command}{answer}\nand not\n{printed}"


def test_example_result_is_valid_and_complete() -> None:
    (example,) = blocks("results.md", "json")
    result: dict[str, Any] = json.loads(example)
    jsonschema.validate(result, json_schema())


def test_example_line_of_an_audit_is_valid_and_complete() -> None:
    (example,) = blocks("audit.md", "json")
    jsonschema.validate(json.loads(example), json_schema(AuditLine))


def test_table_of_exit_codes_is_that_of_the_code() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGES["results.md"].splitlines() if line.startswith("| `")]
    told = {status: row[2] for row in rows if len(row) == 3 for status in re.findall(r"`([a-z-]+)`", row[0])}
    assert set(told) == set(json_schema()["properties"]["status"]["enum"])
    assert {status: int(told[status]) for status in EXIT_CODES} == dict(EXIT_CODES)


def test_table_of_limits_has_the_numbers_of_the_base_policy() -> None:
    table = PAGES["limits.md"].split("## Each limit", 1)[1].split("```", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): (row[2], row[3]) for row in rows}
    assert told == {
        name: tuple("none" if value is None else units.format_limit(name, value) for value in (each.default, each.max))
        for name, each in policy.load("_base").limits.items()
    }


def test_every_option_is_described_and_every_described_option_is_there() -> None:
    group: Any = typer.main.get_command(app.app)
    options = {spelling for option in group.commands["run"].params for spelling in option.opts if spelling[0] == "-"}
    table = PAGES["cli.md"].split("## Options of", 1)[1].split("\n\n", 2)[1]
    assert set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", table)) == options
