"""The options of `run`, `exec` and `render`, written once."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from sandbox_cli.cli import complete
from sandbox_cli.cli.words import scan

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")]
Body = Callable[["Options", list[str]], int]


@dataclasses.dataclass(frozen=True)
class Options:
    """What was asked for, as it was typed."""

    policy: Annotated[
        str | None,
        typer.Option(
            "-p",
            "--policy",
            metavar="NAME|PATH",
            autocompletion=complete.policies,
            help="What the program may do; default: the language's own policy, for exec `command`.",
        ),
    ] = None
    language: Annotated[
        str | None,
        typer.Option(
            "-l",
            "--language",
            metavar="NAME[@VERSION]",
            autocompletion=complete.languages,
            help="The language of the code; default: the policy's, else by the extension of FILE.",
        ),
    ] = None
    code: Annotated[str | None, typer.Option("-c", metavar="CODE", help="Run this snippet instead of a FILE.")] = None
    backend: Annotated[
        str | None,
        typer.Option(
            "-b",
            "--backend",
            metavar="NAME",
            autocompletion=complete.backends,
            help="Take this jailer; default: the first that can hold the policy here.",
        ),
    ] = None
    limit: Annotated[
        list[str],
        typer.Option(
            "--limit",
            metavar="NAME=VALUE",
            autocompletion=complete.limits,
            help="Another limit than the policy's default, within its maximum; may be repeated.",
        ),
    ] = dataclasses.field(default_factory=list[str])
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="The same as --limit wall_time=TIME.")
    ] = None
    memory: Annotated[str | None, typer.Option("--memory", metavar="SIZE", help="The same as --limit memory=SIZE.")] = (
        None
    )
    network: Annotated[
        str | None,
        typer.Option(
            "--network",
            metavar="none|host",
            autocompletion=complete.networks,
            help="`none` takes away a network that the policy allows.",
        ),
    ] = None
    env: Annotated[
        list[str],
        typer.Option("-e", "--env", metavar="K=V", help="Set a variable in the jail; may be repeated."),
    ] = dataclasses.field(default_factory=list[str])
    file: Annotated[
        list[str],
        typer.Option("-f", "--file", metavar="SRC[:DEST]", help="Copy a file into scratch; may be repeated."),
    ] = dataclasses.field(default_factory=list[str])
    stdin: Annotated[str | None, typer.Option("--stdin", metavar="FILE", help="The program's standard input.")] = None
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="DIR", help="Save what the program leaves in scratch there."),
    ] = None
    collect: Annotated[
        list[str],
        typer.Option("--collect", metavar="GLOB", help="Which files of scratch are returned; may be repeated."),
    ] = dataclasses.field(default_factory=list[str])
    capture: Annotated[
        str,
        typer.Option("--capture", metavar="SIZE", help="How much of stdout, and of stderr, the result keeps."),
    ] = "1MiB"
    json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, and nothing else.")] = False
    result: Annotated[
        str | None, typer.Option("--result", metavar="FILE", help="Write the result, as JSON, to FILE.")
    ] = None
    best_effort: Annotated[
        bool, typer.Option("--best-effort", help="Run even where a limit can't be held as well as required; say which.")
    ] = False
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Say on stderr how it ended, what it used and what held what.")
    ] = False
    dashes: bool = False  # no option: whether `--` ended them


class JobCommand(TyperCommand):
    """A command whose options end at the first word that isn't one: what follows is the program's."""

    allow_interspersed_args = False

    def collect_usage_pieces(self, *_: object, **__: object) -> list[str]:
        return [self.options_metavar or ""]


def spellings(command: TyperCommand) -> dict[str, bool]:
    """Each option of `command` as it can be typed, and whether it takes a value."""
    return {
        spelling: not getattr(option, "is_flag", False)
        for option in command.params
        if option.param_type_name == "option"
        for spelling in option.opts
    }


def with_options(body: Body) -> Callable[..., int]:
    """`body` as the parser wants it: one parameter an option, and one for the words that follow them."""

    def command(ctx: typer.Context, words: list[str], **options: Any) -> int:  # noqa: ANN401 (the parser's own)
        return body(Options(**options, dashes=_dashes(ctx)), words)

    kinds = get_type_hints(Options, include_extras=True)
    parameters = [
        _parameter("ctx", typer.Context),
        _parameter("words", Annotated[list[str], typer.Argument(hidden=True)], []),
        *(
            _parameter(field.name, kinds[field.name], _default(field))
            for field in dataclasses.fields(Options)
            if field.name != "dashes"
        ),
    ]
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = body.__doc__
    return command


def _dashes(ctx: typer.Context) -> bool:
    assert isinstance(ctx.command, TyperCommand)
    return scan(ctx.obj[1:], spellings(ctx.command)).dashes  # main_inner leaves the words of the command line there


def _parameter(name: str, kind: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _default(field: dataclasses.Field[Any]) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
