"""Records and messages on a real socket, from real senders."""

from __future__ import annotations

import array
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox_cli.run import channel
from sandbox_cli.run.fds import close
from tests.run import children

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    with ours, theirs:
        yield ours, theirs


def fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def send(to: socket.socket, text: bytes, *given: int) -> None:
    to.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", given))] if given else [])


def test_each_record_names_the_process_that_really_sent_it(pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"ready\n")
    forger = children.start(lambda: theirs.send(b"exit 0\n"))
    assert children.end(forger) == 0
    theirs.send(b"signal 9 0\n")
    seen = []
    while records := channel.receive(ours):
        seen += [(record.words, record.sender) for record in records]
    me = os.getpid()
    assert seen == [(["ready"], me), (["exit", "0"], forger), (["signal", "9", "0"], me)]


def test_nothing_that_waits_is_no_record_and_the_end_is_none(pair: Pair) -> None:
    ours, theirs = pair
    assert channel.receive(ours) == []
    theirs.close()
    assert channel.receive(ours) is None


def test_records_that_wait_at_the_end_are_read_before_it(pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"exit 0\n")
    theirs.send(b"total 1 2 3\n")
    theirs.close()
    records = channel.receive(ours)
    assert records is not None
    assert [record.words for record in records] == [["exit", "0"], ["total", "1", "2", "3"]]
    assert channel.receive(ours) is None


def test_a_launcher_that_ends_with_our_message_unread_is_the_end(pair: Pair) -> None:
    ours, theirs = pair
    ours.send(b"message")
    theirs.close()
    assert channel.receive(ours) is None


def test_a_line_that_is_torn_is_no_record(pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"started\nexit 1")
    theirs.close()
    records = channel.receive(ours)
    assert records is not None
    assert [record.words for record in records] == [["started"]]


@pytest.mark.parametrize("mark", [b"\r", b"\x0b", b"\x0c", b"\x1c", b"\x85", b"\0"])
def test_only_a_newline_ends_a_record(pair: Pair, mark: bytes) -> None:
    ours, theirs = pair
    theirs.send(b"x" + mark + b"exit 0\n")
    records = channel.receive(ours)
    assert records is not None
    assert len(records) == 1
    assert records[0].words[0] != "exit"


def test_an_empty_line_is_no_record(pair: Pair) -> None:
    ours, theirs = pair
    theirs.send(b"\n \n\n")
    assert channel.receive(ours) == []


def test_an_fd_belongs_to_the_line_that_it_came_with(pair: Pair) -> None:
    ours, theirs = pair
    reader, writer = os.pipe()
    theirs.send(b"ready\n")
    send(theirs, b"dir\n", reader)
    theirs.send(b"armed\n")
    os.close(reader)
    records = [record for _ in range(2) for record in channel.receive(ours) or []]
    assert [(record.words[0], record.fd is not None) for record in records] == [
        ("ready", False),
        ("dir", True),
        ("armed", False),
    ]
    fd = records[1].fd
    assert fd is not None
    assert not os.get_inheritable(fd)
    os.write(writer, b"x")
    assert os.read(fd, 1) == b"x"
    close(fd)
    os.close(writer)


@pytest.mark.parametrize(("text", "given"), [(b"dir\n", 2), (b"dir\n", 40), (b"\n", 1), (b"torn", 1)])
def test_fds_that_nobody_asked_for_are_closed(pair: Pair, text: bytes, given: int) -> None:
    ours, theirs = pair
    send(theirs, text, *[theirs.fileno()] * given)
    before = fds()
    for record in channel.receive(ours) or []:
        if record.fd is not None:
            close(record.fd)
    assert fds() == before


def test_a_message_says_its_length_and_brings_the_streams(pair: Pair) -> None:
    ours, theirs = pair
    where = {"scratch": b"/sandbox", "directory": b"/srv"}
    parts: Any = {**where, "path": b"/bin/true", "bpf": b"12345678", "rlimits": [(7, 256)]}
    body = channel.message(**parts, arguments=[b"true", b""], environment=[b"K=V"], flags=channel.ANOTHER_FOLLOWS)
    with open(os.devnull) as null:
        channel.send(ours, body, [null.fileno()] * 3)
    got, given, _, _ = socket.recv_fds(theirs, 4096, 3)
    for fd in given:
        os.close(fd)
    assert len(given) == 3
    assert struct.unpack("=I2H5I", got[:28]) == (len(got) - 4, channel.VERSION, channel.ANOTHER_FOLLOWS, 2, 1, 1, 8, 34)
    assert struct.unpack("=3Q", got[28:52]) == (7, 256, 256)
    assert got[52:] == b"12345678" + b"/sandbox\0/srv\0/bin/true\0true\0\0K=V\0"


def test_a_message_longer_than_the_socket_holds_arrives_whole(pair: Pair) -> None:
    ours, theirs = pair
    text = os.urandom(4 << 20)

    def send_whole() -> None:
        theirs.close()
        channel.send(ours, text, [0, 1, 2])

    child = children.start(send_whole)
    ours.close()
    with theirs.makefile("rb") as stream:
        assert stream.read() == text
    assert children.end(child) == 0


def test_a_launcher_that_is_gone_is_an_error_and_no_signal(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()
    with pytest.raises(BrokenPipeError):
        channel.send(ours, b"x", [0, 1, 2])
    with pytest.raises(BrokenPipeError):
        channel.open_gate(ours)


@pytest.mark.parametrize(
    "text",
    [
        "ready", "armed", "started", "dir", "tty", "nodir 13", "notty 12", "exit 255", "signal 9 1", "execfail 2",
        "armfail no_new_privs 22", f"total {2**59} 0 1024",
    ],
)  # fmt: skip
def test_a_record_of_the_launchers_is_sound(text: str) -> None:
    assert channel.is_sound(text.split())


@pytest.mark.parametrize(
    "text",
    [
        "exit", "exit x", "exit -1", "exit 1 2", "exit 99999999999999999999", "exit \u0663", "signal 9", "nodir",
        "notty x", "armfail", "armfail 22", "armfail fork x", "execfail 99999", "total 1 2", "total a b c",
        "ready 1", "?",
    ],
)  # fmt: skip
def test_what_the_launcher_never_writes_is_not_sound(text: str) -> None:
    assert not channel.is_sound(text.split())
