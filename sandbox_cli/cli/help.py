"""Help pages, printed as everything else is: where standard output takes nothing, that is said and no traceback."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from sandbox_cli.cli import output


class Command(TyperCommand):
    """A command whose help page is printed by us."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 (the parser's own kinds are private)
        return _ours(super().get_help_option(ctx))


class Group(TyperGroup):
    """A command that has others, the same."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 (the parser's own kinds are private)
        return _ours(super().get_help_option(ctx))


def _ours(option: Any) -> Any:  # noqa: ANN401
    if option is not None:
        option.callback = _show
    return option


def _show(ctx: typer.Context, _option: object, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        output.say(ctx.get_help())
        raise typer.Exit
