"""What a jail finds out about real processes."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import pytest

from sandbox_cli.run.limits.rlimit import within_ours
from sandbox_cli.run.system import first_process
from tests.launcher.protocol import AS_PID_1, AS_PID_2, BARE, Init
from tests.run import children


@pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2, BARE], ids=["as-pid-1", "below-pid-1", "in-no-jail"])
def test_the_first_process_of_a_jail_is_found_from_any_in_it(launcher: Path, under: list[str]) -> None:
    with Init(str(launcher), under=under) as init:
        sender = init.expect("ready").sender
        first = first_process(sender)
        assert (first == sender) is (under is not AS_PID_2)
        inner = Path(f"/proc/{first}/status").read_text().split("NSpid:")[1].splitlines()[0].split()
        assert inner[-1] == ("1" if under is not BARE else str(first))


def test_a_process_that_is_gone_has_no_first_one() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises((FileNotFoundError, ProcessLookupError)):
        first_process(process.pid)


def test_a_limit_is_never_above_our_own_hard_one() -> None:
    number = resource.RLIMIT_FSIZE

    def bounded() -> None:
        resource.setrlimit(number, (1 << 20, 1 << 30))
        asked = [(number, 1 << power) for power in (10, 25, 30, 40)]
        assert within_ours(asked) == [(number, 1 << power) for power in (10, 25, 30, 30)]

    assert children.end(children.start(bounded)) == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can lift a hard limit")
def test_a_limit_is_as_asked_where_ours_has_no_bound() -> None:
    number = resource.RLIMIT_FSIZE

    def unbounded() -> None:
        resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert within_ours([(number, 1 << 62)]) == [(number, 1 << 62)]

    assert children.end(children.start(unbounded)) == 0
