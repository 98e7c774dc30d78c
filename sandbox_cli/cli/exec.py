"""`sandbox exec`: any program under a policy."""

from __future__ import annotations

from sandbox_cli.cli.jobs import of_command
from sandbox_cli.cli.options import Options, with_options
from sandbox_cli.cli.run import perform


@with_options
def exec(options: Options, words: list[str]) -> int:  # noqa: A001 (the command's name)
    """Run a program under a policy, by default `command`. What follows `--` is its own."""
    return perform(options, words, of_command)
