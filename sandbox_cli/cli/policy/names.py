"""The arguments that name policies, written once."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox_cli.cli import complete

WHICH = "A policy's name as `sandbox policy list` has it, or the path of a file: with a / in it, or .yaml at its end."
Name = Annotated[str, typer.Argument(metavar="NAME|PATH", help=WHICH, autocompletion=complete.policies)]
Names = Annotated[list[str], typer.Argument(metavar="NAME|PATH", help=WHICH, autocompletion=complete.policies)]
Targets = Annotated[
    list[str],
    typer.Argument(metavar="NAME|PATH|FOLDER", help=f"{WHICH} Or a folder.", autocompletion=complete.policies),
]
