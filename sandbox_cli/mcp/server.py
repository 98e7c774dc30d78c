"""The server: each question of a client to what answers it, none of them on the event loop."""

from __future__ import annotations

import asyncio
import functools
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)

from sandbox_cli.audit.job import try_files
from sandbox_cli.errors import SandboxError, UsageError
from sandbox_cli.mcp import answers, resources
from sandbox_cli.mcp.jobs import Jobs
from sandbox_cli.mcp.offer import Current, problem
from sandbox_cli.mcp.tools import INSTRUCTIONS, tools
from sandbox_cli.plan.doctor import examine
from sandbox_cli.plan.request import catalogue
from sandbox_cli.policy import units
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp.server.context import ServerRequestContext

    from sandbox_cli.mcp.offer import Offer
    from sandbox_cli.mcp.shapes import OfferedPolicies, OfferedPolicy
    from sandbox_cli.mcp.streams import Wire
    from sandbox_cli.mcp.terms import Commands, Terms

    Context = ServerRequestContext[Any, Any]
    Arguments = Mapping[str, object]

T = TypeVar("T")
_QUESTIONS_AT_ONCE = 2  # each starts processes of its own


class AgentServer:
    """Raises SandboxError where what the operator said can't be used."""

    def __init__(self, terms: Terms, commands: Commands) -> None:
        self._commands = commands
        self._terms = terms
        self._jobs = Jobs(Current(terms), terms)
        try_files(self._jobs.offer().plans.demands)
        self._tools = tools(commands.schemas)
        self._questions = ThreadPoolExecutor(_QUESTIONS_AT_ONCE, thread_name_prefix="question")
        self._asked: Mapping[str, tuple[frozenset[str], Callable[[Arguments], Mapping[str, object]]]] = {
            "list_languages": (frozenset(), self._languages),
            "list_policies": (frozenset(), self._policies),
            "explain_policy": (frozenset({"policy", "clause"}), self._explain),
            "doctor": (frozenset(), lambda _: {**examine()}),
        }

    def serve(self, wire: Wire) -> None:
        """Until the client goes away, or a signal says so: then no job is left."""
        anyio.run(self._serve, wire)

    async def _serve(self, wire: Wire) -> None:
        server: Server[dict[str, Any]] = Server(
            "sandbox",
            version=self._commands.version,
            title="sandbox",
            instructions=INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_read_resource=self._read_resource,
        )
        stream = anyio.wrap_file(cast("Any", wire))
        try:
            async with stdio_server(stream, stream) as (read, write):
                await server.run(read, write, server.create_initialization_options())
        finally:
            self._jobs.close()
            self._questions.shutdown(wait=False, cancel_futures=True)

    async def _list_tools(self, _ctx: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=self._tools)

    async def _call_tool(self, ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        arguments = params.arguments or {}
        if params.name == "run_code":
            ended = await self._jobs.run(arguments, functools.partial(_progress, ctx))
            if ended.lost is not None:
                print(f"sandbox: {ended.lost}", file=sys.stderr)  # noqa: T201
            return answers.of_job(ended.result)
        if params.name not in self._asked:
            raise MCPError(code=INVALID_PARAMS, message=f"there is no tool {quoted(params.name)}")
        known, ask = self._asked[params.name]
        if unknown := set(arguments) - known:
            return answers.of_mistake(f"{params.name} has no argument {quoted(min(unknown))}")
        try:
            return answers.of_data(await self._ask(lambda: ask(arguments)))
        except SandboxError as error:
            return answers.of_mistake(problem(error))

    async def _list_resources(self, _ctx: Context, _params: PaginatedRequestParams | None) -> ListResourcesResult:
        offer = await self._ask(self._jobs.offer)
        return ListResourcesResult(resources=resources.resources(offer, self._commands))

    async def _read_resource(self, _ctx: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        try:
            found = await self._ask(lambda: resources.read(str(params.uri), self._jobs.offer(), self._commands))
        except SandboxError as error:
            raise MCPError(code=INVALID_PARAMS, message=problem(error)) from None
        if found is None:
            raise MCPError(code=INVALID_PARAMS, message=f"there is no resource {quoted(str(params.uri))}")
        return ReadResourceResult(contents=[found])

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._questions.submit(question))

    def _languages(self, _arguments: Arguments) -> Mapping[str, object]:
        found = [each.policy for each in self._jobs.offer().policies.values()]
        any_language = any(each.language is None for each in found)  # such a policy serves them all
        return self._commands.languages([*found, *(catalogue() if any_language else ())])

    def _policies(self, _arguments: Arguments) -> Mapping[str, object]:
        offer = self._jobs.offer()
        answer: OfferedPolicies = {
            "policies": [_offered(name, offer) for name in offer.policies],
            "workspace": offer.workspace,
            "backend": self._terms.backend,
        }
        return cast("Mapping[str, object]", answer)

    def _explain(self, arguments: Arguments) -> Mapping[str, object]:
        policy, clause = arguments.get("policy"), arguments.get("clause")
        if not isinstance(policy, str) or not isinstance(clause, str | None):
            raise UsageError(
                "explain_policy takes the name of a policy, and a clause", hint="list_policies has the names"
            )
        return self._commands.explain(self._jobs.offer().named(policy).said, clause)


async def _progress(ctx: Context, seconds: float, message: str) -> None:
    await ctx.session.report_progress(seconds, message=message)


def _offered(name: str, offer: Offer) -> OfferedPolicy:
    policy = offer.policies[name].policy
    return {
        "name": name,
        "description": policy.description,
        "language": policy.language.name if policy.language else None,
        "digest": policy.digest,
        "network": policy.network if isinstance(policy.network, str) else "allow-list",
        "limits": {
            clause: {"default": _written(clause, each.default), "max": _written(clause, each.max)}
            for clause, each in policy.limits.items()
        },
    }


def _written(name: str, value: float | None) -> str | None:
    return None if value is None else units.format_limit(name, value)
