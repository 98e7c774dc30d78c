"""`sandbox policy show`: all that a policy says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json
from sandbox_cli.cli.policy.names import Name
from sandbox_cli.errors import UsageError

if TYPE_CHECKING:
    from sandbox_cli.cli.policy.shapes import ShownPolicy
    from sandbox_cli.policy.model import Policy

Resolved = Annotated[
    bool, typer.Option("--resolved", help="With a comment on each line: the file and line that said so, over what.")
]


def show(name: Name, json: Json = False, resolved: Resolved = False) -> int:
    """Show all that a policy says, with what it extends.

    It is printed in its long form: a policy file that says the same.
    """
    from sandbox_cli.cli.policy import as_yaml
    from sandbox_cli.policy import trace

    if json and resolved:
        hint = "`sources` of --json has the places; `sandbox policy explain --json` has all that was said before, too"
        raise UsageError("--json and --resolved exclude each other", hint=hint)
    traced = trace(name)
    if json:
        output.say(output.as_line(_shown(traced.policy)))
    elif resolved:
        output.say(_head(_shown(traced.policy)))
        output.say(as_yaml.resolved(traced))
    else:
        output.say(text(traced.policy))
    return 0


def text(policy: Policy) -> str:
    """All that it says, as YAML."""
    from sandbox_cli.cli.policy import as_yaml

    shown = _shown(policy)
    return f"{_head(shown)}\n{as_yaml.compact(shown['policy'])}"


def _shown(policy: Policy) -> ShownPolicy:
    from sandbox_cli.policy.document import document

    return {
        "name": policy.name,
        "digest": policy.digest,
        "files": list(policy.files),
        "policy": document(policy),
        "sources": policy.sources,
    }


def _head(shown: ShownPolicy) -> str:
    chain = [output.shown(file) for file in shown["files"]]
    return "\n".join([f"# {chain[0]}", *(f"# extends {file}" for file in chain[1:]), f"# {shown['digest']}"])
