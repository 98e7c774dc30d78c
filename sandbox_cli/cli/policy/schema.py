"""`sandbox policy schema`: what a file may say, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from sandbox_cli.cli import complete, output


def schema(
    kind: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="policy|ceiling|tests|config",
            autocompletion=complete.grammars,
            help="The kind of file: a policy, a ceiling, the tests of a policy, the configuration.",
        ),
    ] = "policy",
) -> int:
    """Print the JSON Schema of policy files, for editors.

    A line `# yaml-language-server: $schema=FILE` at the top of a policy has an editor use it.
    """
    import json

    from sandbox_cli.errors import UsageError
    from sandbox_cli.policy.schema import KINDS, json_schema
    from sandbox_cli.policy.spelling import hint
    from sandbox_cli.text import quoted

    if kind not in KINDS:
        raise UsageError(f"there is no schema for {quoted(kind)}", hint=hint(kind, KINDS))
    output.say(json.dumps(json_schema(KINDS[kind]), indent=2))
    return 0
