"""The command line as a whole: `main` catches and exits, `main_inner` raises."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from sandbox_cli.audit.job import new_id
from sandbox_cli.cli import output
from sandbox_cli.cli.audited import ReplacedAuditError, failure
from sandbox_cli.cli.cancel import Cancelled
from sandbox_cli.cli.deliver import deliver, problem_with
from sandbox_cli.cli.help import Command, Commands, Group
from sandbox_cli.cli.options import VALUES, VALUES_AND_ENDS, JobCommand, spellings
from sandbox_cli.cli.words import scan
from sandbox_cli.errors import SandboxError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMES = ("sandbox", "sandbox-jail")
JOBS = ("run", "exec", "shell")  # their failures are results, too

USAGE = {
    "run": "[OPTIONS] {FILE | - | -c CODE} [ARGS]...",
    "exec": "[OPTIONS] [--] COMMAND [ARGS]...",
    "shell": "[OPTIONS]",
    "render": "[OPTIONS] {FILE | - | -c CODE | -- COMMAND} [ARGS]...",
}

# In the order of the help page. Each is the function of its name in the module of its name, and `policy` a group there.
COMMANDS: Mapping[str, Mapping[str, Any]] = {
    "run": {"cls": JobCommand, "options_metavar": USAGE["run"], "epilog": VALUES_AND_ENDS},
    "exec": {"cls": JobCommand, "options_metavar": USAGE["exec"], "epilog": VALUES_AND_ENDS},
    "shell": {"cls": JobCommand, "options_metavar": USAGE["shell"], "epilog": VALUES_AND_ENDS},
    "render": {"cls": JobCommand, "options_metavar": USAGE["render"], "epilog": VALUES},
    "doctor": {"cls": Command},
    "languages": {"cls": Command},
    "verify": {"cls": Command},
    "batch": {"cls": Command, "epilog": VALUES},
    "mcp": {"cls": Command},
    "clean": {"cls": Command},
    "policy": {},
}
PLAIN: Mapping[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class Everything(Group):
    """The command itself, which imports and builds the one that is asked for."""

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 (the parser's own)
        super().__init__(**given)
        self.commands = Commands(COMMANDS, built)


def built(name: str) -> TyperCommand | TyperGroup:
    """A command as the parser has it."""
    module = import_module(f"sandbox_cli.cli.{name}")
    if name == "policy":
        group = typer.main.get_group(module.app)
        group.name = name
        return group
    alone = typer.Typer(**PLAIN, add_completion=False)
    alone.command(name, **COMMANDS[name])(getattr(module, name))
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return command


app = typer.Typer(
    cls=Everything, **PLAIN, invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},  # those of the commands, too
)  # fmt: skip


@app.callback()
def sandbox(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> int:
    """Run code that nobody has to trust, under a policy, in bwrap, nsjail or firejail."""
    if version:
        output.say(f"sandbox {installed_version()}")
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        output.say(ctx.get_help())
    return 0


def main() -> NoReturn:
    """Run the command of this process, and exit."""
    _open_standard_streams()
    arguments = sys.argv[1:]
    try:
        code = main_inner(arguments)
    except (SandboxError, Cancelled) as error:
        code = _failed(error, arguments)
    except KeyboardInterrupt:
        code = 130
    except Exception:  # noqa: BLE001 (a bug of ours: told whole, and by an exit code that no program's 1 is taken for)
        traceback.print_exc()
        code = SandboxError.exit_code
    sys.exit(code)


def main_inner(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code. Raises the kinds of errors.py, and Cancelled."""
    try:
        return app(list(arguments), prog_name=_own_name(), standalone_mode=False, obj=tuple(arguments)) or 0
    except typer.TyperException as error:
        raise _usage_error(error, arguments) from None


def installed_version() -> str:
    from importlib import metadata  # 10 ms

    try:
        return metadata.version("sandbox-jail")
    except metadata.PackageNotFoundError:
        return "(not installed: a source tree)"


def _failed(error: SandboxError | Cancelled, arguments: Sequence[str]) -> int:
    """Say why nothing ran: of a job as its result, else in words."""
    name = arguments[0] if arguments else ""
    if name in JOBS and not isinstance(error, output.LostOutputError):
        given = scan(arguments[1:], spellings(_command(name))).given
        result = given.get("--result")
        if isinstance(error, ReplacedAuditError) or (result is not None and problem_with(result) is not None):
            result = None
        return deliver(failure(error, error.id or new_id()), json="--json" in given, result=result)
    if isinstance(error, Cancelled):
        return 128 + error.number
    output.complain(error)
    return error.exit_code


def _usage_error(error: typer.TyperException, arguments: Sequence[str]) -> UsageError:
    """What the parser says, in our words: the parser's own kinds are private, what they carry is looked at by name."""
    message, _, guess = error.format_message().partition(". Did you mean ")
    close: list[str] = getattr(error, "possibilities", None) or []
    context: typer.Context | None = getattr(error, "ctx", None)
    path = context.command_path if context is not None else " ".join([_own_name(), *_named(arguments)])
    if close:
        message, guess = error.message, f"{close[0]}?"
    message = message.replace(": Value error, ", ": ")  # of the library by which the parser reads a choice
    said = message[:1].lower() + message[1:].rstrip(".")
    help_page = f"`{path} --help` lists what there is"
    if message.startswith("No such command") and os.path.isfile(arguments[0]):  # noqa: PTH113 (pathlib's may raise)
        help_page = f"`{path} run {arguments[0]}` runs it"
    return UsageError(said, hint=f"did you mean {guess} {help_page}" if guess else help_page)


def _named(arguments: Sequence[str]) -> list[str]:
    """The command, as far as it is one: not every mistake of the parser's says where it was made."""
    found: list[str] = []
    group: object = typer.main.get_command(app)
    for word in arguments:
        if not isinstance(group, TyperGroup) or word not in group.commands:
            break
        found.append(word)
        group = group.commands[word]
    return found


def _command(name: str) -> TyperCommand:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.commands[name]
    assert isinstance(command, TyperCommand)
    return command


def _own_name() -> str:
    """The command as it was called: a shell's completion asks for it by that name."""
    name = Path(sys.argv[0]).name
    return name if name in NAMES else NAMES[0]


def _open_standard_streams() -> None:
    """A stream that the caller closed becomes /dev/null: or the next file that is opened would take its place."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
