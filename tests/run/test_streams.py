"""The relays between a job's pipes and its caller."""

from __future__ import annotations

import os

from sandbox_cli.run.streams import Budget, Input, Output


def close(output: Output) -> None:
    os.close(output.job_end)
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
    os.close(stdin.job_end)
    stdin.close()


def test_a_closed_source_is_an_empty_stdin() -> None:
    stdin = Input(1 << 20)  # no process has as many fds
    stdin.read()
    assert os.read(stdin.job_end, 1) == b""
    os.close(stdin.job_end)
    stdin.close()


def test_a_job_that_closes_its_stdin_is_no_error() -> None:
    stdin = Input(b"x" * 10)
    os.close(stdin.job_end)
    stdin.write()
    assert stdin.offers is None
    assert stdin.wants is None
    stdin.close()


def test_no_stdin_is_the_null_device() -> None:
    stdin = Input(None)
    assert os.read(stdin.job_end, 1) == b""
    assert stdin.offers is None
    os.close(stdin.job_end)
    stdin.close()
