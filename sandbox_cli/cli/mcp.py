"""`sandbox mcp`: an agent's jobs, over the Model Context Protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import inputs
from sandbox_cli.cli.options import AuditFile, Capture, Locked, backend_option, policy_option, workspace_option
from sandbox_cli.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox_cli.mcp.streams import Wire
    from sandbox_cli.mcp.terms import Commands, Terms
    from sandbox_cli.policy.model import Policy

_HOW_TO_GET = "pip install 'sandbox-jail[mcp]'"


def mcp(  # noqa: PLR0917 (the parser's way)
    policy: Annotated[
        list[str] | None,
        policy_option(
            help="A policy that an agent may use: a name, or a path (with a / or .yaml in it); may be repeated. "
            "Default: the shipped policies of languages.",
        ),
    ] = None,
    workspace: Annotated[
        str | None,
        workspace_option(
            help="Every job works in this directory of yours, which keeps its files; with :ro it can only be read.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", metavar="N", min=1, max=1000, help="Jobs at once; others wait. Default: cores."),
    ] = None,
    locked: Locked = False,
    audit: AuditFile = None,
    backend: Annotated[
        str | None, backend_option(help="The jailer of every job. Default: the first that can hold its policy.")
    ] = None,
    capture: Capture = "1MiB",
) -> int:
    """Run the jobs of an AI agent, over the protocol MCP.

    It is spoken on stdin and stdout. The agent runs code under the policies that are named here, within their maxima,
    and reads nothing of your files.
    """
    from sandbox_cli.batch.room import workers
    from sandbox_cli.mcp.streams import Wire
    from sandbox_cli.mcp.terms import Terms

    terms = Terms(
        policies=tuple(_whole(each) for each in policy or ()),
        workspace=workspace,
        backend=backend or os.environ.get("SANDBOX_BACKEND") or None,
        locked=locked,
        audit=os.path.abspath(audit) if audit else audit,  # noqa: PTH100 (links are not followed)
        capture=inputs.capture_bytes(capture),
        at_once=workers(jobs, len(os.sched_getaffinity(0))),
    )
    wire = Wire()  # before anything is imported that might print
    wire.end_on_signals()
    _serve(terms, wire)
    return wire.exit_code


def commands() -> Commands:
    """What the server tells of this machine is what other commands tell."""
    from sandbox_cli.cli.app import installed_version
    from sandbox_cli.cli.languages import answer as listed
    from sandbox_cli.cli.policy.explaining import answer as explained
    from sandbox_cli.cli.policy.showing import text
    from sandbox_cli.cli.schemas import all_schemas
    from sandbox_cli.mcp.terms import Commands
    from sandbox_cli.policy import load

    def languages(policies: Iterable[Policy]) -> Mapping[str, object]:
        return {**listed(policies)}

    def explain(policy: str, clause: str | None) -> Mapping[str, object]:
        return {**explained(policy, clause)[0]}

    def show(policy: str) -> str:
        return text(load(policy))

    return Commands(
        languages=languages,
        explain=explain,
        show=show,
        schemas=all_schemas(),
        version=installed_version(),
    )


def _serve(terms: Terms, wire: Wire) -> None:
    try:
        from sandbox_cli.mcp.server import AgentServer
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types", "anyio"}:
            raise
        raise HostError(
            f"the MCP SDK is not installed, or not the one that is needed: {error}", hint=_HOW_TO_GET
        ) from None
    AgentServer(terms, commands()).serve(wire)


def _whole(policy: str) -> str:
    """A path stays the same file, wherever the server goes."""
    from sandbox_cli.policy.places import is_path

    return os.path.abspath(policy) if is_path(policy) else policy  # noqa: PTH100 (links are not followed)
