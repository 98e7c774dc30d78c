"""The options of `run`, `exec` and `render`, written once."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand

from sandbox_cli.cli import complete
from sandbox_cli.cli.help import Command
from sandbox_cli.cli.words import scan

VALUES = """\b
Limits: wall_time, cpu_time, memory, processes, open_files, file_size,
scratch_size, scratch_files, tmp_size, output, cpus; compile.memory and
its like are those of the compile step.
A time is written as in 300ms, 10s, 5min, a size as in 64MiB, 1GB.

Of an option that is given twice the last one counts, unless it may be
repeated."""
VALUES_AND_ENDS = f"""{VALUES}

\b
Ends as the program does (128+N for signal N), else with: 124 it took too
long, 137 too much memory, 153 it wrote too much, 126 it can't be executed,
127 it was not found, 125 nothing ran: the hint says what to do."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object, and nothing else.")]
Locked = Annotated[
    bool,
    typer.Option("--locked", help="Refuse a policy that is not, as it is now, in the policies.lock beside its file."),
]
Limit = Annotated[
    list[str],
    typer.Option(
        "--limit",
        metavar="NAME=VALUE",
        autocompletion=complete.limits,
        help="Set a limit, up to the policy's maximum, or with compile.NAME one of the compiler; may be repeated. "
        "The names stand below.",
    ),
]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="TIME", help="The same as --limit wall_time=TIME, as in 10s.")
]
Memory = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="The same as --limit memory=SIZE, as in 512MiB.")
]
Network = Annotated[
    str | None,
    typer.Option(
        "--network",
        metavar="none|host",
        autocompletion=complete.networks,
        help="`none` takes away a network that the policy allows; `host` never adds one.",
    ),
]
Capture = Annotated[
    str,
    typer.Option("--capture", metavar="SIZE", help="How much of stdout, and of stderr, a result keeps."),
]
AuditFile = Annotated[
    str | None,
    typer.Option(
        "--audit",
        metavar="FILE",
        help="Append to FILE one line a job: who, when, which policy, how it ended.",
    ),
]
BestEffort = Annotated[
    bool,
    typer.Option(
        "--best-effort", help="Run even where a limit can't be held as well as the policy requires, and say which."
    ),
]
# What they are by default is each command's own to say: policy_option(help=...).
policy_option = functools.partial(typer.Option, "-p", "--policy", metavar="NAME|PATH", autocompletion=complete.policies)
language_option = functools.partial(
    typer.Option, "-l", "--language", metavar="NAME[@VERSION]", autocompletion=complete.languages
)
workspace_option = functools.partial(typer.Option, "-C", "--workspace", metavar="DIR[:ro]")
backend_option = functools.partial(typer.Option, "-b", "--backend", metavar="NAME", autocompletion=complete.backends)
Body = Callable[["Options", list[str]], int]


@dataclasses.dataclass(frozen=True)
class Options:
    """What was asked for, as it was typed."""

    policy: Annotated[
        str | None,
        policy_option(
            help="What the program may do: a policy's name, or a path (with a / or .yaml in it). "
            "Default: the language's own policy; for a COMMAND `command`, for a shell `shell`.",
        ),
    ] = None
    locked: Locked = False
    language: Annotated[
        str | None,
        language_option(
            help="The language, as in python, python@3.12 or 'python@>=3.11,<3.13'. Default: the policy's, else by the "
            "extension of FILE.",
        ),
    ] = None
    code: Annotated[str | None, typer.Option("-c", metavar="CODE", help="Run this snippet instead of a FILE.")] = None
    backend: Annotated[
        str | None,
        backend_option(
            help="The jailer: bwrap, nsjail or firejail. Default: what SANDBOX_BACKEND says, else the first that can "
            "hold the policy here.",
        ),
    ] = None
    limit: Limit = dataclasses.field(default_factory=list[str])
    timeout: Timeout = None
    memory: Memory = None
    network: Network = None
    env: Annotated[
        list[str],
        typer.Option(
            "-e",
            "--env",
            metavar="K=V",
            help="Set a variable of the program, which has none of yours; may be repeated.",
        ),
    ] = dataclasses.field(default_factory=list[str])
    file: Annotated[
        list[str],
        typer.Option(
            "-f",
            "--file",
            metavar="SRC[:DEST]",
            help="Copy a file or a folder into scratch, the program's own directory; may be repeated.",
        ),
    ] = dataclasses.field(default_factory=list[str])
    venv: Annotated[
        str | None,
        typer.Option(
            "--venv",
            metavar="DIR",
            autocompletion=complete.venvs,
            help="Let the program import the packages of this virtual environment of Python, read-only.",
        ),
    ] = None
    workspace: Annotated[
        str | None,
        workspace_option(
            help="Work in this directory of yours, at its own path, where the policy allows it; "
            "with :ro it can only be read. HOME stays scratch.",
        ),
    ] = None
    stdin: Annotated[
        str | None, typer.Option("--stdin", metavar="FILE", help="The program's standard input. Default: yours.")
    ] = None
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="DIR", help="Save there the files that the program leaves in scratch."),
    ] = None
    force: Annotated[
        bool,
        typer.Option("--force", help="Have -o replace files and use folders that are there; not hidden ones."),
    ] = False
    collect: Annotated[
        list[str],
        typer.Option(
            "--collect",
            metavar="GLOB",
            help="Which files are returned, as in 'out/*.png'; may be repeated. Default: the policy's.",
        ),
    ] = dataclasses.field(default_factory=list[str])
    capture: Capture = "1MiB"
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave what is in scratch when the program is over, and say where."),
    ] = False
    json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, and nothing else.")] = False
    result: Annotated[
        str | None,
        typer.Option(
            "--result", metavar="FILE", help="Write the result to FILE as JSON, beside the program's own output."
        ),
    ] = None
    audit: AuditFile = None
    value: Annotated[
        bool,
        typer.Option(
            "--value", help="Give back the value of the code's last expression (Python): in the result, else on stderr."
        ),
    ] = False
    terminal: Annotated[
        bool,
        typer.Option(
            "-t",
            "--terminal",
            help="Give the program a terminal of its own, relayed to yours; time and output are bounded by the "
            "policy's maxima.",
        ),
    ] = False
    best_effort: BestEffort = False
    verbose: Annotated[
        bool,
        typer.Option("-v", "--verbose", help="Say on stderr how it ended, what it used, and who held each clause."),
    ] = False
    dashes: bool = False  # no option: whether `--` ended them


class JobCommand(Command):
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


def with_options(*hidden: str) -> Callable[[Body], Callable[..., int]]:
    """A command of jobs; its help doesn't offer those that are `hidden`, taken only to say what to do instead."""
    return lambda body: _with_options(body, hidden)


def _with_options(body: Body, hidden: Sequence[str]) -> Callable[..., int]:
    """`body` as the parser wants it: one parameter an option, and one for the words that follow them."""

    def command(ctx: typer.Context, words: list[str], **options: Any) -> int:  # noqa: ANN401 (the parser's own)
        return body(Options(**options, dashes=_dashes(ctx)), words)

    kinds = get_type_hints(Options, include_extras=True)
    parameters = [
        _parameter("ctx", typer.Context),
        _parameter("words", Annotated[list[str], typer.Argument(hidden=True)], []),
        *(
            _parameter(
                field.name, _hidden(kinds[field.name]) if field.name in hidden else kinds[field.name], _default(field)
            )
            for field in dataclasses.fields(Options)
            if field.name != "dashes"
        ),
    ]
    vars(command)["__signature__"] = inspect.Signature(parameters)
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = body.__doc__
    return command


def _hidden(kind: Any) -> object:  # noqa: ANN401 (an Annotated)
    option = copy.copy(kind.__metadata__[0])
    option.hidden = True
    return Annotated[kind.__origin__, option]


def _dashes(ctx: typer.Context) -> bool:
    assert isinstance(ctx.command, TyperCommand)
    return scan(ctx.obj[1:], spellings(ctx.command)).dashes  # main_inner leaves the words of the command line there


def _parameter(name: str, kind: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


def _default(field: dataclasses.Field[Any]) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
