"""What stands at $SANDBOX_VALUE when the job is over: bytes, or why they are none of a value."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from sandbox_cli.errors import UsageError
from sandbox_cli.run import artifacts, inputs, value
from tests.run.test_artifacts import ALL

NO_FILE = "$SANDBOX_VALUE is no regular file"


@pytest.fixture
def place(scratch: Path) -> Path:
    return scratch / ".sandbox-value"


@pytest.mark.parametrize("status", ["ok", "nonzero-exit"])
def test_what_a_program_wrote_is_read_however_it_exited(fd: int, place: Path, status: value.Status) -> None:
    place.write_bytes(b"[1]\xff")
    assert value.read(fd, status) == (b"[1]\xff", None)


def test_no_file_is_no_value_and_no_error(fd: int) -> None:
    assert value.read(fd, "ok") == (None, None)
    assert value.read(fd, "memory-limit") == (None, None)


def test_half_of_a_value_is_none(fd: int, place: Path) -> None:
    place.write_bytes(b"12")  # of 12345
    for status in ("signalled", "wall-time-limit", "memory-limit", "cancelled"):
        assert value.read(fd, status) == (None, f"$SANDBOX_VALUE was not read, since the job ended with {status}")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["link", "link to nothing", "fifo", "folder", "socket", "loop", "device"])
def test_what_is_no_regular_file_is_not_opened(fd: int, place: Path, kind: str) -> None:
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(place))
    else:
        target = {"link": "/etc/passwd", "loop": place.name, "device": "/dev/zero"}.get(kind, "nothing")
        place.symlink_to(target)
    assert value.read(fd, "ok") == (None, NO_FILE)


def test_size_is_bounded_whatever_the_file_says_of_itself(fd: int, place: Path) -> None:
    place.write_bytes(b"1" * value.MOST_BYTES)
    assert value.read(fd, "ok") == (b"1" * value.MOST_BYTES, None)
    place.write_bytes(b"1" * (value.MOST_BYTES + 1))
    assert value.read(fd, "ok") == (None, "$SANDBOX_VALUE is larger than 1 MiB")
    os.truncate(place, 1 << 40)
    assert value.read(fd, "ok") == (None, "$SANDBOX_VALUE is larger than 1 MiB")


def test_a_file_that_grows_while_it_is_read_is_read_no_further_than_may_be(fd: int, place: Path) -> None:
    place.write_bytes(b"")
    over = threading.Event()

    def grow() -> None:
        with place.open("ab") as file:
            while not over.is_set():
                file.write(b"1" * 65536)
                over.wait(0.001)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        for _ in range(50):
            content, _ = value.read(fd, "ok")
            assert len(content or b"") <= value.MOST_BYTES
    finally:
        over.set()
        writer.join()


def test_a_file_that_its_job_closed_is_read(fd: int, place: Path) -> None:
    place.write_bytes(b"1")
    place.chmod(0)
    assert value.read(fd, "ok") == (b"1", None)


def test_no_value_is_an_artifact(fd: int, scratch: Path, place: Path) -> None:
    place.write_bytes(b"1")
    (scratch / "other").write_bytes(b"2")
    found, omitted = artifacts.collect(fd, ALL, {}, None, None)
    assert ([each["path"] for each in found], omitted) == ([b"other"], [])


@pytest.mark.parametrize("name", [b".sandbox-value", b".sandbox-value/x"])
def test_no_input_can_be_taken_for_a_value(fd: int, scratch: Path, name: bytes) -> None:
    with pytest.raises(UsageError, match="has the name of the job's value"):
        inputs.put(fd, [(name, b"1", 0o644)], None)
    assert list(scratch.iterdir()) == []
