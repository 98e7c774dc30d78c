"""What -v says, word for word: plain in a pipe, with bars within 80 columns on a terminal."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.cli.report import bar, report
from tests.test_result import outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.result import Clause, Outcome

CPU = "the kernel has no cap on the CPU seconds of a whole job"
PLAIN = """\
RESULT
status     memory-limit (SIGKILL)
cause      limits.memory: killed by the kernel at 512MiB
blame      limits.memory, policies/python.yaml:12
wall_time  1.50s of 10s (15 %)
cpu_time   not measured: nobody looked
memory     512MiB of 512MiB (100 %)
processes  3 of 64, reached 2 times (4 %)
output     1.5KiB
read       4KiB
job        1
policy     python
backend    bwrap 0.11.0 (/usr/bin/bwrap)
chosen     from --backend
seal       uid, no_new_privs
CLAUSE            LEVEL    ENFORCED BY  VALUE
filesystem        strict   mount        /usr ro, /usr ro, /usr ro, /usr ro, /usr ro, /usr ro, ...
limits.wall_time  strict   supervisor   10s
limits.memory     strict   cgroup-v2    512MiB
limits.processes  sampled  sampler      64
limits.output     none     -            not bounded
note: limits.processes: counted from outside
"""
DRAWN = """\
 status      memory-limit (SIGKILL)
 cause       limits.memory: killed by the kernel at 512MiB
 blame       limits.memory, policies/python.yaml:12
 wall_time   █░░░░░░░  15 %  1.50s of 10s
 cpu_time    not measured: nobody looked
 memory      ████████ 100 %  512MiB of 512MiB
 processes   ░░░░░░░░   4 %  3 of 64, reached 2 times
 output      1.5KiB
"""


def clause(name: str, level: str, enforcer: str | None, effective: str, note: str | None = None) -> Clause:
    row: Any = {"clause": name, "asked": effective, "effective": effective, "level": level, "enforced_by": enforcer}
    row |= {"lowered": False, "note": note}
    return row  # type: ignore[no-any-return]


@pytest.fixture
def killed() -> Outcome:
    usage: Any = {
        "wall_time_s": 1.5, "cpu_time_s": None, "cpu_user_s": None, "cpu_system_s": None,
        "memory_peak_bytes": 512 << 20, "processes_peak": 3, "read_bytes": 4096, "written_bytes": None,
        "unmeasured": {"cpu_time_s": "nobody looked", "written_bytes": "nobody looked"}, "measured_by": {},
    }  # fmt: skip
    clauses = [
        clause("filesystem", "strict", "mount", ", ".join(["/usr ro"] * 9)),
        clause("limits.wall_time", "strict", "supervisor", "10s"),
        clause("limits.memory", "strict", "cgroup-v2", "512MiB"),
        clause("limits.processes", "sampled", "sampler", "64", "counted from outside"),
        clause("limits.output", "none", None, "not bounded"),
    ]
    return outcome(
        status="memory-limit", cause="limits.memory: killed by the kernel at 512MiB", exit_code=None, signal="SIGKILL",
        blame={"clause": "limits.memory", "source": "file", "file": "policies/python.yaml", "line": 12},
        limit_hits={"processes": 2}, stdout_bytes=1000, stderr_bytes=500, usage=usage,
        policy={"name": "python", "digest": "sha256:0", "ceiling": None},
        receipt={
            "backend": "bwrap", "version": "0.11.0", "program": "/usr/bin/bwrap", "chosen": "from --backend",
            "seal": ["uid", "no_new_privs"], "clauses": clauses,
        },
    )  # fmt: skip


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Outcome, str], str]:
    """What a terminal of 80 columns gets to see, in an encoding."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")  # no bold

    def draw(seen: Outcome, encoding: str) -> str:
        stream = Terminal(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, "stderr", stream)
        report(seen)
        stream.flush()
        buffer: Any = stream.buffer
        return "".join(line.rstrip() + "\n" for line in buffer.getvalue().decode(encoding).splitlines())

    return draw


def test_in_a_pipe_it_is_plain_and_says_all(killed: Outcome, capfd: pytest.CaptureFixture[str]) -> None:
    report(killed)
    assert capfd.readouterr().err == PLAIN


def test_on_a_terminal_it_has_bars_and_fits_80_columns(killed: Outcome, drawn: Callable[[Outcome, str], str]) -> None:
    told = drawn(killed, "utf-8")
    assert DRAWN in told
    assert max(map(len, told.splitlines())) <= 80
    assert told.endswith("note: limits.processes: counted from outside\n")


def test_bars_are_ascii_where_the_encoding_has_no_blocks(killed: Outcome, drawn: Callable[[Outcome, str], str]) -> None:
    assert "memory    | ######## 100 %  512MiB of 512MiB" in drawn(killed, "latin-1")


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0, "░░░░░░░░   0 %"),
        (0.06, "░░░░░░░░   6 %"),
        (0.07, "█░░░░░░░   7 %"),
        (0.41, "███░░░░░  41 %"),
        (0.999, "████████  99 %"),
        (1, "████████ 100 %"),
        (12.5, "████████ 1250 %"),
    ],
)
def test_a_bar_is_as_long_as_its_share_and_never_longer_than_whole(share: float, told: str) -> None:
    assert bar(share) == told


def test_what_was_reached_once_is_said_to_be(killed: Outcome, capfd: pytest.CaptureFixture[str]) -> None:
    killed["limit_hits"] = {"processes": 1}
    report(killed)
    assert "processes  3 of 64, reached once (4 %)\n" in capfd.readouterr().err


def test_a_limit_that_was_brought_down_is_told_with_what_was_asked(
    killed: Outcome, capfd: pytest.CaptureFixture[str]
) -> None:
    assert killed["receipt"] is not None
    next(row for row in killed["receipt"]["clauses"] if row["clause"] == "limits.memory")["asked"] = "2GiB"
    report(killed)
    assert "cgroup-v2    512MiB in place of 2GiB\n" in capfd.readouterr().err


def test_a_refusal_has_no_usage_and_no_receipt_to_tell_of(capfd: pytest.CaptureFixture[str]) -> None:
    report(outcome(status="refused", cause="no such policy", exit_code=None))
    assert capfd.readouterr().err == "RESULT\nstatus  refused\ncause   no such policy\njob     1\n"
