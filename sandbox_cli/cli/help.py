"""Commands and groups of them, and their help pages, printed as everything else is: where standard output takes
nothing, that is said and no traceback."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from sandbox_cli.cli import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Command(TyperCommand):
    """A command whose help page is printed by us."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 (the parser's own kinds are private)
        return _ours(super().get_help_option(ctx))


class Group(TyperGroup):
    """A command that has others, the same."""

    def get_help_option(self, ctx: Any) -> Any:  # noqa: ANN401 (the parser's own kinds are private)
        return _ours(super().get_help_option(ctx))


class Commands(MutableMapping[str, Any]):  # of the parser, whose own kinds are private
    """Commands by name, each built when it is asked for: to import and build all of them takes longer than most run."""

    def __init__(self, names: Iterable[str], build: Callable[[str], TyperCommand | TyperGroup]) -> None:
        self._commands: dict[str, TyperCommand | TyperGroup | None] = dict.fromkeys(names)
        self._build = build

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        command = self._commands[name]
        if command is None:
            command = self._commands[name] = self._build(name)
        return command

    def __setitem__(self, name: str, command: TyperCommand | TyperGroup) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __contains__(self, name: object) -> bool:
        return name in self._commands

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


def _ours(option: Any) -> Any:  # noqa: ANN401
    if option is not None:
        option.callback = _show
    return option


def _show(ctx: typer.Context, _option: object, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        output.say(ctx.get_help())
        raise typer.Exit
