"""One job in a thread of its own, and those who wait for it: what interrupts them ends the job, all of it, first.

The thread that starts a job has to live as long as the job (the kernel's parent-death signal is about threads), and
nothing may interrupt it half way: an exception that a signal's handler raises (Ctrl-C) comes in the main thread alone.
So that one only waits, for a job in another. No handler of ours, no event loop's executor, nothing global.
"""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from sandbox_cli.errors import HostError
from sandbox_cli.run.fds import Origin, close, own_pipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.api.options import OnOutput
    from sandbox_cli.api.perform import Performed

_Stream = Literal["stdout", "stderr"]
T = TypeVar("T")
LOOK_S = 1.0  # a handler of a signal may fork, and the child would wait for a thread that it doesn't have


class Task(Protocol):
    """A job, whole: `cancel` as `perform` has it; `on_output` is called in the thread in which this is."""

    def __call__(self, cancel: int | None, on_output: OnOutput | None) -> Performed: ...


class JobThread:
    """A task in a thread; `done` is called there at its end, however that comes.

    What it has open is opened and closed in that thread: where it is waited for, an exception may come at every step.
    """

    def __init__(self, task: Task, on_output: OnOutput | None, done: Callable[[], None]) -> None:
        self._task, self._on_output, self._done = task, on_output, done
        self._performed: Performed | None = None
        self._failed: BaseException | None = None
        self._origin = Origin()
        self._lock = threading.Lock()  # for the three below
        self._unwanted = self._begun = False
        self._sink: int | None = None
        # No Event: what interrupts the wait for one can leave it locked.
        self._over = False
        self._running = threading.Lock()
        self._running.acquire()

        self._thread = threading.Thread(target=self._run, name="sandbox-job")

    def start(self) -> None:
        try:
            self._thread.start()
        except RuntimeError:
            raise HostError("no thread can be started for the job", hint="see `ulimit -u`") from None

    def _run(self) -> None:
        try:
            self._performed = self._perform()
        except BaseException as error:  # noqa: BLE001 (it is raised where the job is waited for)
            self._failed = error
        finally:
            self._over = True
            self._running.release()
            self._done()

    def _perform(self) -> Performed | None:
        with self._lock:
            if self._unwanted:
                return None
            self._begun = True
            try:
                source, self._sink = own_pipe()
            except OSError as error:
                raise HostError(f"the job can't be started: {error.strerror}", hint="see `ulimit -n`") from None
        try:
            return self._task(source, self._on_output)
        finally:
            with self._lock:
                sink, self._sink = self._sink, None
            close(source, sink)

    def cancel(self, number: signal.Signals) -> None:
        """Ends the job, if it has begun; if not, it won't."""
        if self._origin.is_here:
            with self._lock:
                self._unwanted = True
                if self._sink is not None:
                    os.write(self._sink, bytes([number]))

    def check(self) -> None:
        """Raises HostError in a fork that was made meanwhile, where there is no such thread."""
        self._origin.check()

    def close(self) -> None:
        """Ends what still runs; nothing of the job is left then. What interrupts this goes on afterwards; once more is
        no harm."""
        interrupted: BaseException | None = None
        while self._origin.is_here and (not self._over or self._thread.is_alive()):
            try:
                if self._over:
                    self._thread.join()
                    break
                self.cancel(signal.SIGINT)
                if not self._running.acquire(timeout=LOOK_S) and not self._begun:
                    break  # whoever asked for the thread was interrupted before there was one
            except BaseException as error:  # noqa: BLE001 (raised below)
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def performed(self) -> Performed:
        if self._failed is not None:
            raise self._failed
        assert self._performed is not None
        return self._performed


def wait(task: Task, on_output: OnOutput | None) -> Performed:
    """Runs the task to its end, and calls `on_output` in this thread."""
    if on_output is None and threading.current_thread() is not threading.main_thread():
        return task(None, None)
    pieces: SimpleQueue[tuple[_Stream, bytes] | None] = SimpleQueue()

    def tell(stream: _Stream, data: bytes) -> None:
        pieces.put((stream, data))

    thread = JobThread(task, tell if on_output is not None else None, lambda: pieces.put(None))
    try:
        try:
            thread.start()
            while (piece := _next(pieces, thread)) is not None:
                if on_output is not None:
                    on_output(*piece)
                    thread.check()
        finally:
            thread.close()
    finally:
        thread.close()  # a second Ctrl-C may have come before the first one's began
    return thread.performed()


def _next(pieces: SimpleQueue[T], thread: JobThread) -> T:
    while True:
        thread.check()
        with suppress(Empty):
            return pieces.get(timeout=LOOK_S)


async def wait_async(task: Task, on_output: OnOutput | None) -> Performed:
    """The same in an event loop, in whose thread `on_output` is called; a cancelled wait ends the job first."""
    import asyncio  # 44 ms, which a program without a loop does not pay
    import contextvars

    loop, over, context = asyncio.get_running_loop(), asyncio.Event(), contextvars.copy_context()
    failed: list[BaseException] = []

    def call(function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(function, *arguments, context=context)

    def tell(stream: _Stream, data: bytes) -> None:
        call(deliver, stream, data)

    def deliver(stream: _Stream, data: bytes) -> None:
        if on_output is None or failed:
            return
        try:
            on_output(stream, data)
        except BaseException as error:  # noqa: BLE001 (raised below)
            failed.append(error)
            thread.cancel(signal.SIGINT)

    thread = JobThread(task, tell if on_output is not None else None, lambda: call(over.set))
    try:
        thread.start()
        await over.wait()
    except asyncio.CancelledError:
        thread.cancel(signal.SIGTERM)
        while not over.is_set():
            with suppress(asyncio.CancelledError):  # cancelled already, and so it will end
                await over.wait()
        raise
    finally:
        thread.close()
    if failed:
        raise failed[0]
    return thread.performed()
