"""The socket to the launcher in the jail: its records, our message, the gate."""

from __future__ import annotations

import _socket
import struct

from sandbox_cli.run.fds import adopt, apart, close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

VERSION = 2
# Flags of a message: another job is to run in the same jail after this one; this one gets a terminal of its own.
ANOTHER_FOLLOWS, TERMINAL = 1, 2
# The launcher's records: how many words behind the first, and how many digits a number of these has at most. All but
# the first of an `armfail` are numbers.
_RECORDS = {
    "ready": (0, 0), "armed": (0, 0), "started": (0, 0), "dir": (0, 0), "tty": (0, 0), "nodir": (1, 4), "notty": (1, 4),
    "exit": (1, 3), "signal": (2, 3), "execfail": (1, 4), "armfail": (2, 4), "total": (3, 18),
}  # fmt: skip
_CREDENTIALS = struct.Struct("=3i")
_ANCILLARY = _socket.CMSG_SPACE(_CREDENTIALS.size) + _socket.CMSG_SPACE(16)


class Record:
    """One line of the launcher's: its words, the pid that the kernel says sent it, and an fd that came with it."""

    __slots__ = ("fd", "sender", "words")

    def __init__(self, words: list[str], sender: int, fd: int | None) -> None:
        self.words = words
        self.sender = sender
        self.fd = fd


def is_sound(words: list[str]) -> bool:
    """Whether it is a record as the launcher writes them: whoever took its place would be believed no further."""
    name, *rest = words
    if not rest:
        return _RECORDS.get(name) == (0, 0)
    count, digits = _RECORDS.get(name, (-1, 0))
    numbers = rest[1:] if name == "armfail" else rest
    return len(rest) == count and all(each.isascii() and each.isdigit() and len(each) <= digits for each in numbers)


def receive(control: _socket.socket) -> list[Record] | None:
    """The records that wait; None when the other side is closed. Never blocks.

    The kernel never joins the bytes of two senders in one answer, nor anything behind an fd: the fd belongs
    to the last line.
    """
    try:
        data, sender, fds = _receive(control)
    except BlockingIOError:
        return []
    except ConnectionResetError:
        return None
    close(*fds[1:])
    if not data:
        return None
    *lines, _ = data.decode("ascii", "replace").split("\n")  # a record that its newline doesn't end is none
    records = [Record(words, sender, None) for words in map(str.split, lines) if words]
    if fds and records:
        records[-1].fd = fds[0]
    elif fds:
        close(fds[0])
    return records


def _receive(control: _socket.socket) -> tuple[bytes, int, list[int]]:
    """What waits, the pid that sent it, and the fds that came along. Raises OSError."""
    sender, fds = 0, list[int]()
    with apart:
        data, ancillary, _, _ = control.recvmsg(65536, _ANCILLARY, _socket.MSG_CMSG_CLOEXEC | _socket.MSG_DONTWAIT)
        for level, kind, payload in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_CREDENTIALS:
                sender = _CREDENTIALS.unpack_from(payload)[0]
            elif level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                fds += struct.unpack(f"{len(payload) // 4}i", payload[: len(payload) // 4 * 4])
        adopt(*fds)
    return data, sender, fds


def message(
    *,
    scratch: bytes,
    directory: bytes,
    path: bytes,
    arguments: Sequence[bytes],
    environment: Collection[bytes],
    rlimits: Iterable[tuple[int, int]],
    bpf: bytes,
    flags: int = 0,
) -> bytes:
    """What `init` is told of a program: what it is, its surroundings and its bounds."""
    strings = b"\0".join([scratch, directory, path, *arguments, *environment, b""])
    limits = [struct.pack("=3Q", number, value, value) for number, value in rlimits]
    header = struct.pack("=2H5I", VERSION, flags, len(arguments), len(environment), len(limits), len(bpf), len(strings))
    body = b"".join([header, *limits, bpf, strings])
    return struct.pack("=I", len(body)) + body


def send(control: _socket.socket, text: bytes, fds: Sequence[int]) -> None:
    """Sends a message with the job's stdin, stdout and stderr. Raises OSError when the launcher is gone."""
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))]
    sent = control.sendmsg([text], rights, _socket.MSG_NOSIGNAL)
    if sent < len(text):
        control.sendall(text[sent:], _socket.MSG_NOSIGNAL)


def open_gate(control: _socket.socket) -> None:
    control.sendall(b"g", _socket.MSG_NOSIGNAL)
