"""The job's three fds are those of the message, whatever the jailer left open or closed; it has no other."""

from __future__ import annotations

import fcntl
import os
import pty
import select
from typing import TYPE_CHECKING

import pytest

from tests.launcher.protocol import AS_PID_1, AS_PID_2, python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.launcher.protocol import Start

OPEN_FDS = """
import os
for fd in range(4096):
    try: os.fstat(fd)
    except OSError: continue
    print(fd)
"""
CLOSED = ["0<&-", "1>&-", "2>&-", "0<&- 1>&-", "1>&- 2>&-", "0<&- 2>&-", "0<&- 1>&- 2>&-"]


@pytest.mark.parametrize("closed", ["", *CLOSED])
def test_streams_are_the_message_s_whatever_the_jailer_closed(start: Start, shared_tmp: Path, closed: str) -> None:
    (shared_tmp / "in").write_text("from stdin")
    under = [*AS_PID_1, "sh", "-c", f'exec "$@" {closed}', "sh"]
    with open(shared_tmp / "in") as stdin, open(shared_tmp / "out", "wb") as out, open(shared_tmp / "err", "wb") as err:
        ended = start(under=under).shell("cat; echo to stderr >&2", fds=[stdin.fileno(), out.fileno(), err.fileno()])
    assert ended.lines[-1] == "exit 0"
    assert (shared_tmp / "out").read_text() == "from stdin"
    assert (shared_tmp / "err").read_text() == "to stderr\n"


@pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["as-pid-1", "below-pid-1"])
def test_nothing_else_is_open_in_the_job(start: Start, under: list[str]) -> None:
    high = fcntl.fcntl(0, fcntl.F_DUPFD, 500)
    ended = start(under=under, pass_fds=[high]).run(python(OPEN_FDS))
    os.close(high)
    assert ended.stdout.split() == [b"0", b"1", b"2"]


def test_nothing_else_is_open_where_the_jailer_closed_all(start: Start) -> None:
    under = [*AS_PID_1, "sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "sh"]
    assert start(under=under).run(python(OPEN_FDS)).stdout.split() == [b"0", b"1", b"2"]


def test_control_fd_may_be_another_one(start: Start) -> None:
    under = [*AS_PID_1, "sh", "-c", 'exec "$1" init 9 9<&3', "sh"]  # 3 and 4 stay open below it
    init = start(under=under)
    ended = init.run(python(OPEN_FDS))
    assert (ended.lines[-1], ended.stdout.split()) == ("exit 0", [b"0", b"1", b"2"])


def test_one_fd_may_be_all_three(start: Start, shared_tmp: Path) -> None:
    with open(shared_tmp / "all", "w+b") as file:
        start().shell("echo out; echo err >&2; echo in >&0", fds=[file.fileno()] * 3)
    assert (shared_tmp / "all").read_text().split() == ["out", "err", "in"]


def test_end_of_a_stream_shows_while_the_job_goes_on(start: Start) -> None:
    reader, writer = os.pipe()
    init = start()
    ended = init.arm([b"/bin/sh", b"-c", b"exec >&- 2>&-; sleep 9"], fds=[reader, writer, writer])
    os.close(writer)
    init.open_gate()
    assert select.select([reader], [], [], 5)[0]
    assert os.read(reader, 1) == b""
    assert ended.records[-1].line == "armed"
    assert os.readlink(f"/proc/{ended.records[-1].sender}/ns/pid") == os.readlink(f"/proc/{init.pid}/ns/pid")
    os.close(reader)


def test_terminal_that_came_as_a_stream_does_not_become_the_job_s(start: Start) -> None:
    ours, theirs = pty.openpty()
    ended = start().shell("test -t 0 && exec 3</dev/tty", fds=[theirs] * 3)
    assert ended.lines[-1] == "exit 2"
    os.close(ours)
    os.close(theirs)
