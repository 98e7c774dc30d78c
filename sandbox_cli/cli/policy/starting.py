"""`sandbox policy new`: a policy to start from."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox_cli.cli import complete, output


def new(
    language: Annotated[
        str | None,
        typer.Argument(
            metavar="LANG", autocompletion=complete.languages, help="The language of the code. Default: any program."
        ),
    ] = None,
) -> int:
    """Print a policy to start from, with comments.

    It extends that of the language, or `command`, and can be used as it is.
    """
    from sandbox_cli.plan.request import FOR_COMMANDS, by_name
    from sandbox_cli.policy import load
    from sandbox_cli.policy.starter import starter

    base = load(FOR_COMMANDS) if language is None else by_name(language)
    output.say(starter(base).rstrip("\n"))
    return 0
