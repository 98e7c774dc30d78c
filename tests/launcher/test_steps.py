"""Several jobs in one jail, one after another: a compiler, then what it made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.launcher.protocol import ANOTHER_FOLLOWS, AS_PID_1, AS_PID_2, Ended, Init, pack, python, until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.launcher.protocol import Start

USER = 1  # of `total`: microseconds


def step(init: Init, argv: Sequence[bytes], flags: int = 0) -> Ended:
    """One message, the gate, and all records up to `total`."""
    ended = Ended()
    with open(os.devnull, "r+b", buffering=0) as null:
        init.send(pack(argv, flags=flags), [null.fileno()] * 3)
    while (record := init.receive()) is not None:
        ended.records.append(record)
        if record.words[0] == "armed":
            init.open_gate()
        if record.words[0] == "total":
            break
    return ended


@pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["pid-1", "below-pid-1"])
def test_second_message_runs_a_second_job_in_the_same_jail(start: Start, under: list[str]) -> None:
    init = start(under=under)
    init.expect("ready")
    first = step(init, [b"/bin/sh", b"-c", b"exit 3"], ANOTHER_FOLLOWS)
    second = step(init, [b"/bin/sh", b"-c", b"exit 4"])
    assert first.lines == ["dir", "armed", "started", "exit 3"]
    assert second.lines == ["armed", "started", "exit 4"]
    assert init.receive() is None
    assert init.process.wait(10) == 0


def test_each_total_counts_its_own_job_alone(start: Start) -> None:
    init = start()
    init.expect("ready")
    first = step(init, python("import time\nx = bytearray(90 << 20)\nwhile time.process_time() < 0.3: pass"), 1)
    second = step(init, [b"/bin/true"])
    assert first.total[0] + first.total[1] >= 300_000
    assert first.total[2] >= 90 << 10
    assert second.total[0] + second.total[1] < 100_000
    assert second.total[2] < 50 << 10


def test_what_the_first_job_left_running_is_gone_before_the_second(start: Start) -> None:
    init = start()
    init.expect("ready")
    step(init, [b"/bin/sh", b"-c", b"(setsid sleep 1000 &) ; exit 0"], ANOTHER_FOLLOWS)
    alone = step(init, [b"/bin/sh", b"-c", b"for each in /proc/[0-9]*; do :; done; set -- /proc/[0-9]*; exit $#"])
    assert alone.lines[-1] == "exit 2"  # init and the shell


def test_first_job_that_fails_lets_the_second_run_all_the_same(start: Start) -> None:
    init = start()
    init.expect("ready")
    assert step(init, [b"/no/such"], ANOTHER_FOLLOWS).lines[-1] == "execfail 2"
    assert step(init, [b"/bin/true"]).lines[-1] == "exit 0"


def test_supervisor_that_ends_between_two_jobs_ends_the_jail(start: Start) -> None:
    init = start()
    init.expect("ready")
    step(init, [b"/bin/true"], ANOTHER_FOLLOWS)
    init.socket.close()
    assert until(lambda: init.process.poll() is not None)
    assert init.process.wait() == 125
