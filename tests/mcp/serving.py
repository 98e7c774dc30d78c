"""The real command, spoken to by the SDK's own client."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp import Client, StdioServerParameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from mcp.types import CallToolResult

    from tests.accounts import Sandbox


@asynccontextmanager
async def serving(sandbox: Sandbox, *options: str, **more: Any) -> AsyncIterator[Client]:
    """A client of `sandbox mcp OPTIONS`, run as the account of `sandbox`; the client checks what is answered."""
    account = sandbox.account
    argv = [*sandbox.command, "mcp", *options]
    if account.uid != os.getuid():
        argv = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--init-groups", *argv]
    environment = {**account.environment, **more.pop("env", {})}
    server = StdioServerParameters(command=argv[0], args=argv[1:], env=environment, cwd=more.pop("cwd", "/"))
    async with Client(server, **more) as client:
        await client.list_tools()  # from now on it checks answers by their schemas
        yield client


def talk(sandbox: Sandbox, *options: str, then: Callable[[Client], Awaitable[None]], **more: Any) -> None:
    """One conversation, which ends within a minute."""

    async def conversation() -> None:
        async with serving(sandbox, *options, **more) as client:
            await then(client)

    asyncio.run(asyncio.wait_for(conversation(), 60))


async def run(client: Client, **job: Any) -> dict[str, Any]:
    """The result of a job: never an error of the tool."""
    return result_of(await client.call_tool("run_code", job))


def result_of(answer: CallToolResult) -> dict[str, Any]:
    assert not answer.is_error, answer
    return answer.structured_content


def text_of(answer: CallToolResult) -> str:
    first: Any = answer.content[0]
    return str(first.text)


def running(*words: str) -> list[str]:
    """The processes with these arguments."""
    wanted = b"\0".join(word.encode() for word in words)
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().startswith(wanted):
                found.append(process.name)
        except OSError:
            continue  # it ended meanwhile
    return found


def eventually(what: Callable[[], object], patience_s: float = 10) -> float:
    """Waits until it is so, and says for how long."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < patience_s, "it never came to that"
        time.sleep(0.02)
    return time.monotonic() - began
