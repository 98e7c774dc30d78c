"""Tests of policies: each in a real jail, on every backend that can hold the policy here.

The jailer is what they wait for, so several run at once; they are told in their order.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sandbox_cli.plan import audits, machine, trial
from sandbox_cli.policy import ceiling
from sandbox_cli.run.system import leave_signals
from sandbox_cli.testing import running
from sandbox_cli.testing.running import Shared
from sandbox_cli.testing.suites import suites

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from sandbox_cli.policy.config import Config
    from sandbox_cli.policy.testfile import PolicyTest
    from sandbox_cli.testing.outcomes import Tested
    from sandbox_cli.testing.running import Unusable
    from sandbox_cli.testing.suites import Suite

__all__ = ["run", "suites"]

_ENOUGH = 4096  # bytes in a pipe: more than there are jobs at once, and less than it takes


def run(found: Sequence[Suite], backends: Sequence[str], config: Config, *, at_once: int) -> Iterator[Tested]:
    """Every test on each of `backends`, in the order of the policies; `at_once` of them at the same time.

    What interrupts it - the reader included, who wants no more - ends the jobs that run, and waits until they are gone.
    """
    source, sink = os.pipe2(os.O_CLOEXEC)
    ceilings = ceiling.load()
    demands = audits.demanded(None, config, ceilings)
    shared = Shared(config, ceilings, machine.looking(config), trial.trying(config), demands, source)
    for backend in backends:
        shared.look(backend)  # before there are threads: it may move this process into a group
    # Threads that stay: a jailer dies with the one that started it.
    pool = ThreadPoolExecutor(at_once, initializer=leave_signals)
    try:
        # All of the first before any of the second, which wait for them: no thread waits for what is behind it.
        able = {
            (suite.policy, backend): pool.submit(running.unusable, suite.policy, backend, shared)
            for suite in found
            for backend in backends
        }
        told = [
            pool.submit(_tested, suite, test, backend, shared, able[suite.policy, backend])
            for suite in found
            for test in suite.tests
            for backend in backends
        ]
        for each in told:
            yield each.result()
    finally:
        os.write(sink, bytes([signal.SIGTERM]) * _ENOUGH)
        pool.shutdown(cancel_futures=True)
        os.close(source)
        os.close(sink)


def _tested(suite: Suite, test: PolicyTest, backend: str, shared: Shared, able: Future[Unusable | None]) -> Tested:
    if (problem := able.result()) is not None:
        return running.blank(suite, test, backend, problem)
    return running.tested(suite, test, backend, shared)
