"""`sandbox policy`: policies as engineers treat code. One module a command; this one lists them."""

from __future__ import annotations

import typer

from sandbox_cli.cli import output
from sandbox_cli.cli.help import Command, Group
from sandbox_cli.cli.policy import checking, diffing, explaining, listing, locking, schema, showing, starting, testing

app = typer.Typer(
    cls=Group, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=False, invoke_without_command=True
)


@app.callback()
def policy(ctx: typer.Context) -> int:
    """Write, check, explain, compare, test and lock policies."""
    if ctx.invoked_subcommand is None:
        output.say(ctx.get_help())
    return 0


app.command("list", cls=Command)(listing.list_)
app.command("show", cls=Command)(showing.show)
app.command("explain", cls=Command)(explaining.explain)
app.command("check", cls=Command)(checking.check)
app.command("diff", cls=Command)(diffing.diff)
app.command("test", cls=Command)(testing.test)
app.command("new", cls=Command)(starting.new)
app.command("lock", cls=Command)(locking.lock)
app.command("schema", cls=Command)(schema.schema)
