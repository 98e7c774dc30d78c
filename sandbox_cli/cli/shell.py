"""`sandbox shell`: an interactive shell in the jail, on a terminal of its own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sandbox_cli.cli import terminal
from sandbox_cli.cli.jobs import of_command
from sandbox_cli.cli.options import Options, with_options
from sandbox_cli.cli.run import perform
from sandbox_cli.errors import UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from sandbox_cli.cli.jobs import Request

POLICY = "shell"
# What the jail shows is known best in there.
BEST_SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash; exec sh")


@with_options("code", "value", "terminal", "stdin", "json")
def shell(options: Options, words: list[str]) -> int:
    """Work in a shell under a policy, on a terminal of its own.

    Every key is the jail's: Ctrl-C and Ctrl-Z too. The shell's `exit`, or Ctrl-D, ends it.
    """
    policy = options.policy or (POLICY if options.language is None else None)
    return perform("shell", dataclasses.replace(options, terminal=True, policy=policy), words, of_shell)


def of_shell(options: Options, words: list[str]) -> Request:
    """bash, where the jail shows it, else sh."""
    if words:
        hint = "`sandbox exec -t -- COMMAND` runs a program on a terminal of its own"
        raise UsageError(f"shell runs a shell, and no {quoted(words[0])}", hint=hint)
    _check(options)
    return of_command(options, list(BEST_SHELL))


def _check(options: Options) -> None:
    """Refuses what no shell takes, in words about a shell: nobody typed -t here, and nobody can leave it out."""
    if options.code is not None or options.value:
        option = "--value" if options.code is None else "-c"
        raise UsageError(f"{option} is for code, and shell opens a shell", hint="`sandbox run -l LANGUAGE -c CODE`")
    if options.stdin is not None:
        hint = "`sandbox exec --stdin FILE -- sh` runs the commands in a file"
        raise UsageError("shell reads your terminal, and no --stdin", hint=hint)
    if options.json:
        raise UsageError("shell can't be --json: a terminal isn't one object", hint="--result FILE has the result")
    if not terminal.is_ours():
        hint = "run it from a terminal; `sandbox exec -- sh` takes commands from a pipe or a file"
        raise UsageError("shell relays your terminal, and standard input is none", hint=hint)
