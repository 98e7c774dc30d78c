"""The relays between a job's pipes and its caller."""

from __future__ import annotations

import os
import select
import threading
import tty

import pytest

from sandbox_cli.run import fds
from sandbox_cli.run.streams import Budget, Input, Output, lead_to_one


def close(output: Output) -> None:
    fds.close(output.job_end)
    output.close()


def test_output_is_kept_up_to_its_cap_and_counted_whole() -> None:
    output = Output(None, 4, Budget(None))
    os.write(output.job_end, b"123456")
    assert output.read()
    assert (bytes(output.kept), output.total) == (b"1234", 6)
    close(output)


def test_two_streams_share_one_budget() -> None:
    budget = Budget(5)
    first, second = Output(None, 100, budget), Output(None, 100, budget)
    os.write(first.job_end, b"123")
    os.write(second.job_end, b"456")
    first.read()
    assert not budget.exceeded
    second.read()
    assert budget.exceeded
    assert bytes(second.kept) == b"45"
    close(first)
    close(second)


def test_a_caller_that_reads_slowly_holds_the_job_and_not_the_supervisor() -> None:
    reader, writer = os.pipe()
    output = Output(writer, 0, Budget(None))
    fed = 0
    while not output.waiting:
        fed += os.write(output.job_end, b"x" * 60000)
        output.read()
    taken = 0
    while taken < fed:
        taken += len(os.read(reader, 65536))
        output.write()
    assert not output.waiting
    close(output)
    os.close(reader)
    os.close(writer)


def test_a_caller_that_is_gone_breaks_the_stream() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = Output(writer, 0, Budget(None))
    os.write(output.job_end, b"x")
    output.read()
    assert isinstance(output.broken, BrokenPipeError)
    close(output)
    os.close(writer)


def test_given_bytes_arrive_whole_and_then_the_end() -> None:
    stdin = Input(b"hello")
    assert stdin.offers is not None
    stdin.write()
    assert stdin.offers is None
    assert os.read(stdin.job_end, 100) == b"hello"
    assert os.read(stdin.job_end, 100) == b""
    fds.close(stdin.job_end)
    stdin.close()


def test_a_closed_source_is_an_empty_stdin() -> None:
    stdin = Input(1 << 20)  # no process has as many fds
    stdin.read()
    assert os.read(stdin.job_end, 1) == b""
    fds.close(stdin.job_end)
    stdin.close()


def test_a_job_that_closes_its_stdin_is_no_error() -> None:
    stdin = Input(b"x" * 10)
    fds.close(stdin.job_end)
    stdin.write()
    assert stdin.offers is None
    assert stdin.wants is None
    stdin.close()


def test_no_stdin_is_the_null_device() -> None:
    stdin = Input(None)
    assert os.read(stdin.job_end, 1) == b""
    assert stdin.offers is None
    fds.close(stdin.job_end)
    stdin.close()


def in_time(what: object, *arguments: object) -> bool:
    """Whether a call comes back at once."""
    thread = threading.Thread(target=what, args=arguments, daemon=True)  # type: ignore[arg-type]
    thread.start()
    thread.join(5)
    return not thread.is_alive()


@pytest.mark.parametrize("room", [100, 1000, 3000, 5000])
def test_a_terminal_with_little_room_never_blocks_the_supervisor(room: int) -> None:
    """`poll` calls one writable that has room for less than what is written, and then write would wait."""
    reader, terminal = os.openpty()
    tty.setraw(terminal)
    output = Output(terminal, 0, Budget(None))
    os.write(output.job_end, b"x" * 60000)
    assert in_time(output.read)
    assert output.waiting
    taken = len(os.read(reader, room))
    assert in_time(output.write)
    assert os.get_blocking(terminal)  # the caller's own fd is left as it is
    while output.waiting:
        taken += len(os.read(reader, 65536))
        output.write()
    while select.select([reader], [], [], 0.1)[0]:
        taken += len(os.read(reader, 65536))
    assert taken == 60000
    close(output)
    os.close(reader)
    os.close(terminal)


def test_a_pipe_that_another_one_fills_never_blocks_the_supervisor() -> None:
    reader, writer = os.pipe()
    output = Output(writer, 0, Budget(None))
    os.write(output.job_end, b"x")
    os.set_blocking(writer, False)
    while select.select([], [writer], [], 0)[1]:
        os.write(writer, b"y" * 4096)
    os.set_blocking(writer, True)
    assert in_time(output.read)
    assert output.waiting
    os.read(reader, 65536)
    output.write()
    assert not output.waiting
    close(output)
    os.close(reader)
    os.close(writer)


def test_a_source_that_another_one_empties_never_blocks_the_supervisor() -> None:
    reader, writer = os.pipe()
    stdin = Input(reader)
    os.write(writer, b"x")
    assert stdin.wants is not None
    assert select.select([stdin.wants], [], [], 0)[0]
    assert os.read(reader, 1) == b"x"
    assert in_time(stdin.read)
    assert stdin.wants is not None  # that was no end
    os.close(writer)
    stdin.read()
    assert os.read(stdin.job_end, 1) == b""
    fds.close(stdin.job_end)
    os.close(reader)
    stdin.close()


def test_streams_leave_no_fd_open() -> None:
    reader, writer = os.pipe()
    before = len(os.listdir("/proc/self/fd"))
    stdin, output = Input(reader), Output(writer, 0, Budget(None))
    fds.close(stdin.job_end)
    stdin.close()
    close(output)
    assert len(os.listdir("/proc/self/fd")) == before
    os.close(reader)
    os.close(writer)


def test_the_end_of_one_output_is_told_from_nothing_yet() -> None:
    output = Output(None, 10, Budget(None))
    assert not output.read()
    assert not output.ended
    fds.close(output.job_end)
    assert not output.read()
    assert output.ended
    output.close()


def test_joined_outputs_keep_the_order_of_both() -> None:
    budget = Budget(None)
    stdout = Output(None, 100, budget)
    stderr = Output(None, 100, budget, joined=stdout)
    for number in range(3):
        os.write(stdout.job_end, b"out%d " % number)
        os.write(stderr.job_end, b"err%d " % number)
    stdout.read()
    assert stdout.kept == b"out0 err0 out1 err1 out2 err2 "
    stderr.read()
    assert (stderr.ended, stderr.total) == (True, 0)
    fds.close(stdout.job_end)
    stdout.read()
    assert not stdout.ended  # stderr's end is still open
    fds.close(stderr.job_end)
    stdout.read()
    assert stdout.ended
    stdout.close()
    stderr.close()


def test_fds_that_lead_to_one_place_are_known() -> None:
    reader, writer = os.pipe()
    again = os.dup(writer)
    with open(os.devnull, "wb") as null:
        assert lead_to_one(writer, again)
        assert not lead_to_one(writer, null.fileno())
    assert not lead_to_one(writer, None)
    assert not lead_to_one(None, None)
    assert not lead_to_one(writer, 1 << 20)
    for fd in (reader, writer, again):
        os.close(fd)


@pytest.mark.parametrize("limit", [0, 1, 6])
def test_a_budget_is_exceeded_by_the_byte_beyond_it(limit: int) -> None:
    budget = Budget(limit)
    assert budget.take(limit) == limit
    assert not budget.exceeded
    assert budget.take(1) == 0
    assert budget.exceeded
