"""`arun`: the loop goes on meanwhile, and a task that is cancelled leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import sandbox_cli as sandbox
from tests.api.watch import left_over

if TYPE_CHECKING:
    from tests.api.conftest import Program

SLEEP = ["sleep", "30"]


@pytest.fixture(autouse=True)
def warm(launcher: Path) -> None:
    """What is found out once in a process is known."""
    sandbox.run(command=["true"])


async def started(mark: str) -> str:
    """When a program whose arguments hold `mark` runs: its pid."""
    while True:
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    if (folder / "cmdline").read_bytes().split(b"\0")[:2] == [b"sleep", mark.encode()]:
                        return folder.name
                except OSError:
                    continue
        await asyncio.sleep(0.02)


def test_loop_goes_on_while_a_job_runs() -> None:
    async def main() -> tuple[str, int]:
        ticks = 0
        task = asyncio.create_task(sandbox.arun(command=["sh", "-c", "sleep 0.5; echo 1"]))
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return (await task).stdout, ticks

    stdout, ticks = asyncio.run(main())
    assert stdout == "1\n"
    assert ticks > 10


def test_refusals_and_mistakes_are_raised_as_by_run() -> None:
    with pytest.raises(sandbox.RefusedError):
        asyncio.run(sandbox.arun(command=["true"], limits={"memory": "1TiB"}))
    with pytest.raises(sandbox.UsageError):
        asyncio.run(sandbox.arun(command="true"))  # type: ignore[arg-type]


@pytest.mark.parametrize("times", [1, 3])
def test_cancelled_task_leaves_nothing(times: int) -> None:
    mark = f"{31 + times}.0625"

    async def main() -> tuple[float, bool]:
        task = asyncio.create_task(sandbox.arun(command=["sleep", mark], limits={"wall_time": "1min"}))
        pid = await asyncio.wait_for(started(mark), 20)
        began = time.monotonic()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began, Path("/proc", pid).exists()

    with left_over() as left:
        took, alive = asyncio.run(main())
    assert not alive
    assert took < 5
    assert left() == []


@pytest.mark.parametrize("after_s", [0, 0.001, 0.01, 0.03])
def test_task_that_is_cancelled_before_its_job_runs_leaves_nothing(after_s: float) -> None:
    async def main() -> None:
        task = asyncio.create_task(sandbox.arun(command=SLEEP))
        await asyncio.sleep(after_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with left_over() as left:
        asyncio.run(main())
    assert left() == []


def test_timeout_ends_the_job_and_is_a_timeout() -> None:
    async def main() -> None:
        async with asyncio.timeout(0.5):
            await sandbox.arun(command=SLEEP)

    with left_over() as left, pytest.raises(TimeoutError):
        asyncio.run(main())
    assert left() == []


def test_one_failing_task_of_a_group_ends_the_others() -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(sandbox.arun(command=SLEEP))
            group.create_task(sandbox.arun(command=["true"], limits={"memory": "1TiB"}))

    began = time.monotonic()
    with left_over() as left, pytest.raises(ExceptionGroup) as caught:
        asyncio.run(main())
    assert caught.group_contains(sandbox.RefusedError) if hasattr(caught, "group_contains") else True
    assert time.monotonic() - began < 10
    assert left() == []


def test_coroutine_that_is_closed_unfinished_leaves_nothing() -> None:
    async def main() -> None:
        waiting = sandbox.arun(command=SLEEP)
        waiting.send(None)
        await asyncio.sleep(0.3)
        waiting.close()

    with left_over() as left:
        asyncio.run(main())
    assert left() == []


def test_executor_of_the_loop_is_not_used() -> None:
    async def main() -> list[str]:
        tasks = [asyncio.create_task(sandbox.arun(command=["sleep", "0.5"])) for _ in range(3)]
        await asyncio.sleep(0.2)
        names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        await asyncio.gather(*tasks)
        return names

    assert asyncio.run(main()) == ["sandbox-job"] * 3


def test_64_tasks_and_64_threads_give_64_right_results_each(program: Program) -> None:
    wrong = program("""
        box = sandbox.Sandbox("command")
        def job(number):
            return dict(command=["sh", "-c", "cat; echo $WORD"], stdin=f"{number} ", env={"WORD": f"w{number}"})
        def right(number, result):
            return result.ok and result.stdout == f"{number} w{number}\\n"
        async def tasks():
            return await asyncio.gather(*(box.arun(**job(number)) for number in range(64)))
        wrong = [number for number, result in enumerate(asyncio.run(tasks())) if not right(number, result)]
        found = {}
        def one(number):
            found[number] = box.run(**job(number))
        threads = [threading.Thread(target=one, args=(number,)) for number in range(64)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        wrong += [number for number in range(64) if not right(number, found[number])]
        print(json.dumps([wrong, threading.active_count()]))
    """)
    assert wrong == [[], 1]


def test_nothing_of_the_process_is_changed(tmp_path: Path) -> None:
    import signal

    def state() -> list[object]:
        umask = os.umask(0)
        os.umask(umask)
        handlers = [signal.getsignal(number) for number in range(1, 65)]
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        return [os.getcwd(), umask, dict(os.environ), handlers, mask]

    before = state()
    sandbox.run(command=["true"])
    asyncio.run(sandbox.arun(command=["true"]))
    assert state() == before
