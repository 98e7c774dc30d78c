"""`sandbox policy`: which policies there are, what they say, and whether they can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from sandbox_cli.cli import complete, output
from sandbox_cli.cli.help import Command, Group
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import Finding, ListedPolicy, PolicyCheck, PolicyList, ShownPolicy
    from sandbox_cli.errors import PolicyError

app = typer.Typer(
    cls=Group, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=False, invoke_without_command=True
)
WHICH = "A policy's name as `sandbox policy list` has it, or the path of a file: with a / in it, or .yaml at its end."
Name = Annotated[str, typer.Argument(metavar="NAME|PATH", help=WHICH, autocompletion=complete.policies)]
Names = Annotated[list[str], typer.Argument(metavar="NAME|PATH", help=WHICH, autocompletion=complete.policies)]


@app.callback()
def policy(ctx: typer.Context) -> int:
    """List, show and check policies."""
    if ctx.invoked_subcommand is None:
        output.say(ctx.get_help())
    return 0


@app.command("list", cls=Command)
def list_(json: Json = False) -> int:
    """List the policies that can be had by name."""
    from sandbox_cli.policy import available

    answer: PolicyList = {"policies": [_listed(*each) for each in available()]}
    if json:
        output.say(output.as_line(answer))
        return 0
    rows = [
        (each["name"], each["where"], each["problem"] or each["description"] or "", each["path"])
        for each in answer["policies"]
    ]
    output.table(("POLICY", "WHERE", "DESCRIPTION", "FILE"), rows)
    return 0


@app.command(cls=Command)
def show(name: Name, json: Json = False) -> int:
    """Show all that a policy says, in its long form."""
    from sandbox_cli.policy import load
    from sandbox_cli.policy.document import document

    loaded = load(name)
    answer: ShownPolicy = {
        "name": loaded.name,
        "digest": loaded.digest,
        "files": list(loaded.files),
        "policy": document(loaded),
        "sources": loaded.sources,
    }
    output.say(output.as_line(answer) if json else _as_yaml(answer))
    return 0


@app.command(cls=Command)
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


def _listed(name: str, path: str, where: str) -> ListedPolicy:
    from sandbox_cli.errors import PolicyError
    from sandbox_cli.policy import load

    described = language = problem = None
    try:
        loaded = load(name)
    except PolicyError as error:
        problem = str(error)
    else:
        described = loaded.description
        language = loaded.language.name if loaded.language else None
    entry: dict[str, str | None] = {"name": name, "path": path, "where": where}
    return cast("ListedPolicy", {**entry, "description": described, "language": language, "problem": problem})


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


def _as_yaml(shown: ShownPolicy) -> str:
    """A policy file that says the same: it can be loaded, and has the same digest."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 (the grammar has no aliases)
            return True

        def represent_data(self, data: Any) -> Any:  # noqa: ANN401 (PyYAML's nodes are not typed)
            """A list stands in one line, but for one with a text of several: that keeps its lines."""
            node: Any = super().represent_data(data)  # pyright: ignore[reportUnknownMemberType]
            if isinstance(data, str) and "\n" in data:
                node.style = "|"
            elif isinstance(data, list) and any("\n" in str(each) for each in cast("list[object]", data)):
                node.flow_style = False
            return node

    chain = [output.shown(file) for file in shown["files"]]
    head = [f"# {chain[0]}", *(f"# extends {file}" for file in chain[1:]), f"# {shown['digest']}"]
    body = yaml.dump(shown["policy"], Dumper=Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True)
    return "\n".join([*head, body.rstrip("\n")])
