"""The supervisor's side of the launcher's protocol, as small as tests need it."""

from __future__ import annotations

import array
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Enter = Callable[..., subprocess.CompletedProcess[bytes]]
    Popen = Callable[..., subprocess.Popen[bytes]]
    Start = Callable[..., "Init"]

PATIENCE_S = 10
NOBODYS = 1900065535
OUTCOMES = ("exit", "signal", "execfail", "armfail")

# A PID namespace of its own, and in it an account that has no capabilities once it executes something.
NAMESPACE = ["unshare", "-U", "--map-user=1000", "--map-group=1000", "-pf", "--mount-proc", "--kill-child", "--"]
AS_PID_1 = [*NAMESPACE]
AS_PID_2 = [*NAMESPACE, "sh", "-c", '"$@"; exit $?', "sh"]  # as in firejail: below a PID 1 that is not ours
BARE: list[str] = []  # no jail at all: the gate stays shut

Rlimit = tuple[int, int, int]
ANOTHER_FOLLOWS = 1
TERMINAL = 2


def pack(
    argv: Sequence[bytes] = (b"true",),
    *,
    path: bytes | None = None,
    env: Sequence[bytes] = (),
    scratch: bytes = b"/",
    cwd: bytes = b"/",
    rlimits: Sequence[Rlimit] = (),
    bpf: bytes = b"",
    flags: int = 0,
) -> bytes:
    """A message, without its length."""
    words = [scratch, cwd, argv[0] if path is None else path, *argv, *env]
    strings = b"".join(word + b"\0" for word in words)
    header = struct.pack("=2H5I", 2, flags, len(argv), len(env), len(rlimits), len(bpf), len(strings))
    return header + b"".join(struct.pack("=3Q", *rlimit) for rlimit in rlimits) + bpf + strings


@dataclass(frozen=True)
class Record:
    """One line, the pid that sent it, and the fds that came with it, which Init closes."""

    words: list[str]
    sender: int
    fds: list[int]

    @property
    def line(self) -> str:
        return " ".join(self.words)


@dataclass
class Ended:
    """What a job left: all records from `ready` on, and its streams."""

    records: list[Record] = field(default_factory=list)
    stdout: bytes = b""
    stderr: bytes = b""

    @property
    def lines(self) -> list[str]:
        """The records without `total`, whose numbers vary."""
        return [record.line for record in self.records if record.words[0] != "total"]

    @property
    def total(self) -> tuple[int, ...]:
        """User and system time in microseconds, peak memory in KiB."""
        return tuple(int(word) for word in self.record("total").words[1:])

    def record(self, word: str) -> Record:
        return next(record for record in self.records if record.words[0] == word)


class Init:
    """`launcher init 3`, executed through fd 4 as in a jail, and the supervisor's end of its socket.

    Never as root: where root runs the tests it is an account that nobody has.
    """

    def __init__(self, program: str, *, under: Sequence[str] = AS_PID_1, blocking: bool = True, **options: Any) -> None:
        self.socket, theirs = socket.socketpair()
        theirs.setblocking(blocking)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.settimeout(PATIENCE_S)
        self._waiting: list[Record] = []
        self._received: list[int] = []
        account = {"user": NOBODYS, "group": NOBODYS, "extra_groups": []} if os.getuid() == 0 else {}
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        prepare = options.pop("preexec_fn", None)
        with open(program, "rb") as file:
            places = {3: theirs.fileno(), 4: file.fileno()}
            self.process = subprocess.Popen(
                [*under, "/proc/self/fd/4", "init", "3"],
                pass_fds=[*places, *options.pop("pass_fds", [])],
                preexec_fn=lambda: _move(places, prepare),  # noqa: PLW1509  there are no threads
                **{"cwd": "/", **account, **streams, **options},
            )
        self.peer = theirs  # open until something is received, whose end must show

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # unshare, with --kill-child, takes the namespace along
        self.process.wait()
        self.socket.close()
        self.peer.close()
        for fd in self._received:
            os.close(fd)

    def receive(self) -> Record | None:
        """The next record; None at the end of the file."""
        self.peer.close()
        while not self._waiting:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(65536, 256, socket.MSG_CMSG_CLOEXEC)
            except ConnectionResetError:
                return None
            if not data:
                return None
            sender, fds = 0, array.array("i")
            for _, kind, payload in ancillary:
                if kind == socket.SCM_CREDENTIALS:
                    sender = struct.unpack("=3i", payload)[0]
                else:
                    fds.frombytes(payload)
            self._received += fds
            lines = data.decode().splitlines()
            self._waiting = [Record(line.split(), sender, list(fds)) for line in lines]
        return self._waiting.pop(0)

    def expect(self, word: str) -> Record:
        """The next record, which begins with `word`."""
        record = self.receive()
        assert record is not None, f"the launcher ended with {self.process.wait()} and never said {word}"
        assert record.words[0] == word, record
        if word == "ready":
            self.pid = record.sender
        return record

    def send(self, body: bytes, fds: Sequence[int] = (), length: int | None = None) -> None:
        """A message with its length, and `fds` with its first bytes."""
        text = struct.pack("=I", len(body) if length is None else length) + body
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sent = self.socket.sendmsg([text], rights)
        if sent < len(text):
            self.socket.sendall(text[sent:])

    def open_gate(self) -> None:
        """Only in a PID namespace of its own: what `init` does at the end of a job would kill us all."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        assert len(status.split("NSpid:")[1].splitlines()[0].split()) > 1, "init is not in a jail"
        self.socket.send(b"g")

    def arm(self, argv: Sequence[bytes] = (b"/bin/true",), *, fds: Sequence[int] | None = None, **parts: Any) -> Ended:
        """Up to `armed`; the records so far."""
        ended = Ended([self.expect("ready")])
        with open(os.devnull, "r+b", buffering=0) as null:
            self.send(pack(argv, **parts), fds or [null.fileno()] * 3)
        while (record := self.receive()) is not None:
            ended.records.append(record)
            if record.words[0] in ("armed", *OUTCOMES):
                break
        return ended

    def finish(self, ended: Ended) -> Ended:
        """Whatever is still said."""
        while (record := self.receive()) is not None:
            ended.records.append(record)
        return ended

    def run(self, argv: Sequence[bytes], *, fds: Sequence[int] | None = None, **parts: Any) -> Ended:
        """A whole job. Its stdout and stderr are files, of any length."""
        with open(os.devnull, "rb") as stdin, _memory() as stdout, _memory() as stderr:
            ended = self.arm(argv, fds=fds or [stdin.fileno(), stdout.fileno(), stderr.fileno()], **parts)
            if ended.records[-1].words[0] == "armed":
                self.open_gate()
            self.finish(ended)
            ended.stdout, ended.stderr = (os.pread(stream.fileno(), 1 << 24, 0) for stream in (stdout, stderr))
        return ended

    def shell(self, script: str, **parts: Any) -> Ended:
        return self.run([b"/bin/sh", b"-c", script.encode()], **parts)


def python(code: str) -> list[bytes]:
    """The argv that runs `code`, without the time that site takes."""
    return [b"/usr/bin/python3", b"-ISc", code.encode()]


def stop_and_continue(pid: int) -> None:
    """As a shell's user does with ^Z; between the two it really stands."""
    os.kill(pid, signal.SIGSTOP)
    assert until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T")
    os.kill(pid, signal.SIGCONT)


def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
    """Whether `condition` comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


def is_gone(pidfd: int, seconds: float = PATIENCE_S) -> bool:
    """Whether the process has ended; takes the pidfd."""
    try:
        return bool(select.select([pidfd], [], [], seconds)[0])
    finally:
        os.close(pidfd)


def namespace_of(pid: int) -> str:
    """The PID namespace of a process; "" once that is gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def processes_in(namespace: str) -> list[int]:
    """All live processes in a PID namespace; zombies have none."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and namespace_of(int(name)) == namespace]


def _memory() -> Any:
    return open(os.memfd_create("stream", os.MFD_CLOEXEC), "rb")


def _move(places: dict[int, int], prepare: Callable[[], None] | None) -> None:
    waiting = {place: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, max(places) + 1) for place, fd in places.items()}
    for place, fd in waiting.items():
        os.dup2(fd, place)
    if prepare:
        prepare()
