"""Many jobs: JSON lines in, JSON lines out, in parallel, and on again after a crash.

Each worker is a thread that takes the next line when it has nothing to do: nothing is read that nobody waits for, and
there is no queue that could grow. A result is written by the worker that has it, one at a time.
"""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sandbox_cli.batch.delivery import Delivery
from sandbox_cli.batch.one import performed
from sandbox_cli.batch.room import ahead
from sandbox_cli.errors import HostError
from sandbox_cli.run import turns
from sandbox_cli.run.system import leave_signals

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future

    from sandbox_cli.api.plans import Plans
    from sandbox_cli.batch.jobs import Asked
    from sandbox_cli.batch.one import Defaults
    from sandbox_cli.batch.sink import Results
    from sandbox_cli.batch.stop import Stop
    from sandbox_cli.batch.tally import Tally
    from sandbox_cli.result import Outcome

_WINDOW = 16  # jobs for each that runs: with --ordered, how far reading may be ahead of the oldest unfinished one
_ENDING = frozenset({"SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"})  # the last, where its jailer was ended


class Batch:
    """Runs jobs, `at_once` of them at the same time. `over` can be read when no more is to come."""

    def __init__(
        self,
        jobs: Iterable[Asked],
        results: Results,
        plans: Plans,
        defaults: Defaults,
        stop: Stop,
        *,
        at_once: int,
        ordered: bool = False,
        retries: int = 0,
    ) -> None:
        self.unfinished = 0  # jobs that were ended with us, or that no audit knows of: they have no result
        self.lost: str | None = None  # why an audit did not get a line
        self.over = os.eventfd(0, os.EFD_CLOEXEC)
        self._jobs = enumerate(jobs)
        self._delivery = Delivery(results, _WINDOW * at_once if ordered else None)
        self._plans, self._defaults, self._retries = plans, defaults, retries
        self._stop = stop
        self._lock = threading.Lock()  # of what stands above
        self._reading = threading.Lock()
        # Threads that stay: a jailer dies with the one that started it.
        self._turns = turns.make(at_once)
        self._running = at_once + ahead(at_once)
        self._pool = ThreadPoolExecutor(self._running, initializer=leave_signals)
        self._workers = [self._pool.submit(self._work) for _ in range(self._running)]
        for worker in self._workers:
            worker.add_done_callback(self._ended)

    @property
    def tally(self) -> Tally:
        return self._delivery.tally

    def finish(self) -> OSError | None:
        """Waits for the jobs that run. Returns why a result could not be written; raises whatever else went wrong."""
        self._pool.shutdown()
        os.close(self.over)
        os.close(self._turns)
        self._delivery.flush()
        for worker in self._workers:
            worker.result()
        return self._delivery.problem

    def cancel(self, number: int = signal.SIGTERM) -> None:
        """Begins no more jobs, and ends those that run."""
        self._stop.set(number)
        self._delivery.abandon()

    def _work(self) -> None:
        while (found := self._next()) is not None:
            place, asked = found
            done = performed(
                asked, self._plans, self._defaults, cancel=self._stop.fd, turns=self._turns, retries=self._retries
            )
            unknown = done.error is not None and done.lost is not None  # it never began, and no audit knows of it
            ended = unknown or self._ended_it(done.outcome)
            with self._lock:
                self.lost = self.lost or done.lost
                self.tally.failed_here |= done.lost is not None
                self.unfinished += ended
                self.tally.failed_here |= isinstance(done.error, HostError) and not ended
            if unknown:
                self.cancel()
            if ended:
                continue
            self._delivery.take(place, done.outcome)
            if self._delivery.problem is not None:
                self.cancel()

    def _ended_it(self, outcome: Outcome) -> bool:
        """Whether the job ended with us, and has no result.

        What ends us may be sent to the jail as well, and get there first: a terminal's signal goes to the whole group
        of processes, in which a jailer is until it has its own session, and a service manager's to all there are.
        """
        if outcome["status"] == "sandbox-error" or outcome["signal"] in _ENDING:
            return self._stop.comes_soon()
        return outcome["status"] == "cancelled"  # by us: nobody else can

    def _next(self) -> tuple[int, Asked] | None:
        with self._reading:
            found = None if self._stop.is_set else next(self._jobs, None)
            if found is not None:
                self._delivery.wait_for(found[0])
        return None if self._stop.is_set else found

    def _ended(self, worker: Future[None]) -> None:
        if worker.exception() is not None:
            self.cancel()
        with self._lock:
            self._running -= 1
            if not self._running:
                os.eventfd_write(self.over, 1)
