"""Jobs under an event loop: many tasks at once, some of them cancelled, beside children of the loop's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api import hosts

if TYPE_CHECKING:
    from tests.accounts import Sandbox

HEAD = """
import asyncio
import sandbox_cli as sandbox
box = sandbox.Sandbox(backend=BACKEND)
async def own(number):
    word = f"job-{number}"
    result = await box.arun(command=["sh", "-c", 'echo "$0"; exit $1', word, str(number % 50)])
    assert (result.stdout, result.exit_code) == (f"{word}\\n", number % 50), result
"""


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_each_of_many_tasks_gets_its_own_answer(sandbox: Sandbox, backend: str) -> None:
    text = """
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is no word on us
    await asyncio.gather(*(own(number) for number in range(64)))
job("true")
before = fds()
asyncio.run(main())
left = (fds(), children(), made())
assert left == (before, [], []), left
"""
    hosts.run(sandbox.account, backend, HEAD + text, timeout=120)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_tasks_that_are_cancelled_at_any_moment_leave_nothing(sandbox: Sandbox, backend: str) -> None:
    text = """
import random
async def cancelled():
    task = asyncio.create_task(box.arun(command=["sleep", "60"]))
    await asyncio.sleep(random.random() * 0.2)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    raise AssertionError("it went on")
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is no word on us
    process = await asyncio.create_subprocess_exec("sh", "-c", "sleep 0.3; exit 5")
    await asyncio.gather(*(cancelled() for _ in range(24)), *(own(number) for number in range(12)))
    assert await process.wait() == 5
job("true")
before = fds()
asyncio.run(main())
left = (fds(), children(), made())
assert left == (before, [], []), left
"""
    hosts.run(sandbox.account, backend, HEAD + text, timeout=120)
