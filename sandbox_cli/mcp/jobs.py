"""The jobs of an agent: so many at once, the others in the order in which they came; each can be cancelled."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox_cli.api.perform import perform
from sandbox_cli.audit.job import AuditedJob, new_id, refused
from sandbox_cli.errors import HostError, SandboxError
from sandbox_cli.result import as_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    from sandbox_cli.mcp.offer import Current, Offer
    from sandbox_cli.mcp.terms import Terms
    from sandbox_cli.result import Outcome, Result

    Tell = Callable[[float, str], Awaitable[None]]  # seconds since the job was asked for, and what goes on

MOST_WAITING = 1000
_EVERY_S = 2.0  # between two words on a running job


class Ended(NamedTuple):
    """A job's result; `lost` says which audit did not get its line."""

    result: Result
    lost: str | None = None


class Stop:
    """Cancels one job, from any thread and also before it began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sink: int | None = None
        self._sent = False

    def send(self) -> None:
        with self._lock:
            self._sent = True
            if self._sink is not None:
                os.write(self._sink, bytes([signal.SIGTERM]))

    @contextmanager
    def listening(self) -> Generator[int]:
        """The fd that the run reads: a job that waits has none, of which there may be many."""
        source, sink = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        with self._lock:
            self._sink = sink
        if self._sent:
            self.send()
        try:
            yield source
        finally:
            with self._lock:  # nobody writes to a number that is another file's by now
                self._sink = None
                os.close(source)
                os.close(sink)


class Jobs:
    """Threads that live as long as the server: a jailer dies with the thread that started it."""

    def __init__(self, current: Current, terms: Terms) -> None:
        self._current, self._terms = current, terms
        self._lock = threading.Lock()  # what is read anew is read once
        self._pool = ThreadPoolExecutor(terms.at_once, thread_name_prefix="job")
        self._stops: set[Stop] = set()

    async def run(self, document: Mapping[str, object], tell: Tell) -> Ended:
        """Runs one job. Cancelled, it kills the job, whose place is free a moment later."""
        if len(self._stops) >= MOST_WAITING + self._terms.at_once:
            error = HostError(f"{MOST_WAITING} jobs wait already", hint="wait for their results, or cancel some")
            return Ended(as_json(refused(error, new_id())))
        began, stop, loop = time.monotonic(), Stop(), asyncio.get_running_loop()
        ahead = len(self._stops) - self._terms.at_once
        started: asyncio.Future[None] = loop.create_future()
        self._stops.add(stop)
        ended = asyncio.wrap_future(self._pool.submit(self._perform, document, stop, loop, started))
        try:
            if ahead >= 0:
                await tell(0, f"queued: {ahead} before it wait, too" if ahead else "queued: it is the next")
            either: set[asyncio.Future[Any]] = {ended, started}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            await tell(time.monotonic() - began, "started")
            while not (await asyncio.wait({ended}, timeout=_EVERY_S))[0]:
                taken = time.monotonic() - began
                await tell(taken, f"running, {taken:.0f} s since it was asked for")
            return ended.result()
        finally:
            self._stops.discard(stop)
            if not ended.done():
                stop.send()
                ended.cancel()  # it leaves the queue, where it is still there

    def offer(self) -> Offer:
        with self._lock:
            return self._current.offer()

    def close(self) -> None:
        """Kills what runs, and waits until it is gone."""
        for stop in self._stops:
            stop.send()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _perform(
        self,
        document: Mapping[str, object],
        stop: Stop,
        loop: asyncio.AbstractEventLoop,
        started: asyncio.Future[None],
    ) -> Ended:
        loop.call_soon_threadsafe(_set, started)
        try:
            offer = self.offer()
        except SandboxError as error:  # a policy that is being edited
            return Ended(as_json(refused(error, new_id())))
        with stop.listening() as cancel:
            try:
                given = offer.given(document)
            except SandboxError as error:
                outcome, lost = _refused(error, offer)
            else:
                outcome, _, lost = perform(given, offer.plans, kind="mcp", cancel=cancel, capture=self._terms.capture)
        return Ended(as_json(outcome), lost)


def _set(started: asyncio.Future[None]) -> None:
    if not started.done():
        started.set_result(None)


def _refused(error: SandboxError, offer: Offer) -> tuple[Outcome, str | None]:
    """What an agent may not ask for is in the audit, too."""
    audited = AuditedJob(new_id(), offer.plans.ceilings)
    try:
        audited.open("mcp", offer.plans.demands)
    except SandboxError as closed:
        return refused(closed, audited.id), None
    audited.identify(error)
    outcome = refused(error, audited.id)
    return outcome, audited.write(outcome, error)
