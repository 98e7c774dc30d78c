"""`sandbox exec`: any program under a policy."""

from __future__ import annotations

from sandbox_cli.cli.jobs import of_command
from sandbox_cli.cli.options import Options, with_options
from sandbox_cli.cli.run import perform


@with_options("code", "value")
def exec(options: Options, words: list[str]) -> int:  # noqa: A001 (the command's name)
    """Run any program of this machine under a policy.

    Options stand before its name; what follows is its own.
    """
    return perform("exec", options, words, of_command)
