"""Workers and the way out of results: bounded, whole, in order where that is wanted, and never stuck."""

from __future__ import annotations

import json
import select
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import batch
from sandbox_cli.api.perform import Performed
from sandbox_cli.api.plans import Plans
from sandbox_cli.audit.job import refused
from sandbox_cli.batch import Batch
from sandbox_cli.batch.jobs import Asked
from sandbox_cli.batch.one import Defaults
from sandbox_cli.batch.stop import Stop
from sandbox_cli.errors import HostError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Kept:
    """Results that stay here; from the one of `full` on, there is no room."""

    finished = None

    def __init__(self, full: str | None = None) -> None:
        self.lines: list[bytes] = []
        self._full = full

    def append(self, line: bytes) -> None:
        if self._full is not None and json.loads(line)["id"] == self._full:
            raise OSError(28, "No space left on device")
        self.lines.append(line)

    def close(self) -> None: ...

    @property
    def ids(self) -> list[str]:
        assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in self.lines)
        return [json.loads(line)["id"] for line in self.lines]


def counted(most: int) -> Iterator[Asked]:
    return (Asked(str(number), number) for number in range(1, most + 1))


def started(
    monkeypatch: pytest.MonkeyPatch,
    stop: Stop,
    results: Kept,
    work: Callable[[Asked], Performed],
    jobs: Iterable[Asked],
    **options: Any,
) -> Batch:
    monkeypatch.setattr(batch, "performed", lambda asked, *_, **__: work(asked))
    return Batch(jobs, results, Plans(), Defaults(), stop, **options)


def wait_for(running: Batch) -> None:
    assert select.select([running.over], [], [], 20)[0], "it is stuck"


def done(asked: Asked, status: str = "ok") -> Performed:
    outcome: Any = {**refused(UsageError("never"), asked.id), "status": status}
    return Performed(outcome)


def test_ordered_results_come_in_the_order_of_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(asked: Asked) -> Performed:
        time.sleep(0.02 if asked.line % 7 == 0 else 0.0001)
        return done(asked)

    results = Kept()
    with Stop() as stop:
        running = started(monkeypatch, stop, results, work, counted(400), at_once=4, ordered=True)
        wait_for(running)
        assert running.finish() is None
    assert results.ids == [str(number) for number in range(1, 401)]
    assert running.tally.statuses == {"ok": 400}


def test_reading_stops_a_window_ahead_of_the_oldest_unfinished_job(monkeypatch: pytest.MonkeyPatch) -> None:
    first, begun = threading.Event(), list[str]()

    def work(asked: Asked) -> Performed:
        begun.append(asked.id)
        if asked.id == "1":
            assert first.wait(20)
        return done(asked)

    results = Kept()
    with Stop() as stop:
        running = started(monkeypatch, stop, results, work, counted(10_000), at_once=2, ordered=True)
        time.sleep(0.5)
        assert (len(begun), results.lines) == (32, [])
        first.set()
        wait_for(running)
        running.finish()
    assert len(results.ids) == 10_000


def test_cancelled_batch_keeps_what_was_finished_and_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def work(asked: Asked) -> Performed:
        if asked.id in {"2", "3"}:
            assert ended.wait(20)
            return done(asked, "cancelled")
        return done(asked)

    results = Kept()
    with Stop() as stop:
        running = started(monkeypatch, stop, results, work, counted(10_000), at_once=3, ordered=True)
        time.sleep(0.3)
        running.cancel()
        ended.set()
        wait_for(running)
        running.finish()
    assert running.unfinished == 2
    assert results.ids == ["1", *(str(number) for number in range(4, 50))]


@pytest.mark.parametrize("ordered", [False, True])
def test_result_that_can_not_be_written_ends_the_batch(monkeypatch: pytest.MonkeyPatch, ordered: bool) -> None:
    results = Kept(full="20")
    with Stop() as stop:
        running = started(monkeypatch, stop, results, done, counted(10_000), at_once=2, ordered=ordered)
        wait_for(running)
        problem = running.finish()
    assert problem is not None
    assert problem.strerror == "No space left on device"
    assert 19 <= len(results.ids) < 100


@pytest.mark.parametrize("ordered", [False, True])
def test_bug_in_a_worker_ends_the_batch_and_is_raised(monkeypatch: pytest.MonkeyPatch, ordered: bool) -> None:
    def work(asked: Asked) -> Performed:
        if asked.id == "7":
            raise ZeroDivisionError
        time.sleep(0.001)  # in what it takes a thread to be told, the others go on
        return done(asked)

    with Stop() as stop:
        running = started(monkeypatch, stop, Kept(), work, counted(10_000), at_once=2, ordered=ordered)
        wait_for(running)
        with pytest.raises(ZeroDivisionError):
            running.finish()
    assert running.tally.jobs < 1000


def test_jobs_that_can_not_be_read_any_further_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Asked]:
        yield from counted(5)
        raise HostError("the jobs can't be read any further")

    results = Kept()
    with Stop() as stop:
        running = started(monkeypatch, stop, results, done, broken(), at_once=2)
        wait_for(running)
        with pytest.raises(HostError):
            running.finish()
    assert len(results.ids) == 5


def test_large_results_that_wait_for_an_older_job_stop_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    first, begun = threading.Event(), list[str]()

    def work(asked: Asked) -> Performed:
        begun.append(asked.id)
        if asked.id == "1":
            assert first.wait(20)
        result: Any = {**done(asked).outcome, "stdout": b"x" * (10 << 20)}
        return Performed(result)

    with Stop() as stop, closing(Kept()) as results:
        running = started(monkeypatch, stop, results, work, counted(30), at_once=2, ordered=True)
        time.sleep(1)
        assert len(begun) <= 1 + 6 + 2 * 3  # what waits, and what each worker has: two a program more than run
        first.set()
        wait_for(running)
        running.finish()
        assert results.ids == [str(number) for number in range(1, 31)]
