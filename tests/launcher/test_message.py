"""The parser of the message believes nothing: what is wrong with it ends `init` with 125, and there is no job."""

from __future__ import annotations

import os
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.launcher.corpus import GOOD, MALFORMED, MESSAGE_MAX, mutations
from tests.launcher.protocol import BARE, pack

if TYPE_CHECKING:
    from tests.launcher.protocol import Init, Start

MUTATIONS = 20_000


def null_fds(count: int) -> list[int]:
    return [os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC) for _ in range(count)]


@pytest.fixture
def bare(start: Start) -> Init:
    """Without any jail, and past `ready`: its gate never opens."""
    init = start(under=BARE, stderr=subprocess.PIPE)
    init.expect("ready")
    return init


def assert_refused(init: Init, why: bytes) -> None:
    assert init.receive() is None
    assert init.process.stderr is not None
    assert init.process.stderr.read() == b"launcher: init: " + why + b"\n"
    assert init.process.wait() == 125


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_malformed_message_is_refused(bare: Init, body: bytes) -> None:
    bare.send(body, [0, 1, 2])
    assert_refused(bare, b"bad message: malformed")


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 20, 200])
def test_other_than_three_fds_are_refused(bare: Init, count: int) -> None:
    fds = null_fds(count)
    bare.send(pack(), fds)
    assert_refused(bare, b"bad message: not three fds")
    for fd in fds:
        os.close(fd)


def test_fds_that_come_late_are_refused(bare: Init) -> None:
    text = struct.pack("=I", len(pack())) + pack()
    bare.socket.send(text[:4])
    assert_refused(bare, b"bad message: not three fds")


def test_fds_beside_the_three_are_let_go(bare: Init) -> None:
    body, fds = pack([b"/bin/true"]), null_fds(3)
    bare.send(body[:20], fds, length=len(body))
    rights = [(1, 1, struct.pack("=3i", *fds))]
    bare.socket.sendmsg([body[20:]], rights)
    bare.expect("dir")
    bare.expect("armed")
    open_in_init = os.listdir(f"/proc/{bare.pid}/fd") if os.getuid() == 0 else None
    assert open_in_init is None or len(open_in_init) == 3 + len(["control", "signalfd", "gate", "reports"])
    for fd in fds:
        os.close(fd)


@pytest.mark.parametrize("length", [0, MESSAGE_MAX + 1, 2**31, 2**32 - 1])
def test_impossible_length_is_refused_unread(bare: Init, length: int) -> None:
    bare.send(b"", [0, 1, 2], length=length)
    assert_refused(bare, b"bad message: length")


def test_byte_behind_the_message_does_not_open_the_gate(bare: Init) -> None:
    body = pack([b"/bin/true"])
    bare.send(body + b"g", [0, 1, 2], length=len(body))
    assert_refused(bare, b"bad message: too long")


def test_message_of_the_largest_size_is_taken(start: Start) -> None:
    room = MESSAGE_MAX - len(pack([b"/bin/true"], env=[b""]))
    assert start().run([b"/bin/true"], env=[b"x" * room]).lines[-1] == "execfail 7"


@pytest.mark.parametrize("step", [1, 3, 7])
def test_message_in_pieces_is_taken(start: Start, step: int) -> None:
    init = start(under=BARE)
    init.expect("ready")
    body = pack([b"/bin/true"], env=[b"A=1"])
    text = struct.pack("=I", len(body)) + body
    init.socket.sendmsg([text[:step]], [(1, 1, struct.pack("=3i", 0, 1, 2))])
    for at in range(step, len(text), step):
        init.socket.send(text[at : at + step])
    init.expect("dir")
    init.expect("armed")


def test_socket_that_does_not_block_is_made_to(start: Start) -> None:
    assert start(blocking=False).run([b"/bin/true"]).lines[-1] == "exit 0"


@pytest.mark.parametrize("argument", ["", "0", "2", "-1", "3x", "x", "4294967295", "99999999999999999999", "9"])
def test_fd_that_is_none_is_refused(launcher: str, argument: str) -> None:
    made = subprocess.run([launcher, "init", argument], capture_output=True, check=False)
    assert made.returncode == 125
    assert made.stderr.startswith((b"launcher: init: bad fd", b"launcher: init: fd 9: errno 9\n"))


@pytest.mark.parametrize("arguments", [[], ["init"], ["init", "3", "4"], ["enter"], ["other"], ["enter", "--"]])
def test_other_arguments_are_refused(launcher: str, arguments: list[str]) -> None:
    made = subprocess.run([launcher, *arguments], capture_output=True, check=False)
    assert made.returncode == 125
    assert made.stderr.startswith(b"launcher: ")


def test_fd_that_is_no_socket_is_refused(launcher: str) -> None:
    with open(os.devnull, "rb") as null:
        under = ["sh", "-c", 'exec "$@" 3<&0', "sh"]
        made = subprocess.run([*under, launcher, "init", "3"], stdin=null, capture_output=True, check=False)
    assert (made.returncode, made.stderr) == (125, b"launcher: init: the supervisor is gone\n")


def test_parser_agrees_with_a_second_one_and_hands_out_the_message_s_own_bytes(sanitized_parser: str) -> None:
    messages = [*GOOD, *MALFORMED.values(), b"", *mutations(MUTATIONS, seed=1)]
    feed = b"".join(struct.pack("=I", len(message)) + message for message in messages)
    made = subprocess.run([sanitized_parser], input=feed, capture_output=True, check=False)
    verdicts = made.stdout.decode().split()
    assert made.returncode == 0, (messages[len(verdicts)], made.stderr.decode())
    known = len(GOOD) * ["yes"] + len(MALFORMED) * ["no"]
    assert verdicts[: len(known)] == known
    assert 1000 < verdicts.count("yes") < MUTATIONS - 1000
