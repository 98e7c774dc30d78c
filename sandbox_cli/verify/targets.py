"""What is put on the host for a jail to miss: listeners, and files that anybody may read. All of it goes again."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.verify.calls import call

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from sandbox_cli.verify.calls import Answer, Call

    Outside = Callable[[Sequence[Sequence[Call]]], list[Answer]]

_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (where everybody may write: a jail must have its own)
_IPC_CREAT, _ALL_MAY, _IPC_RMID = 0o1000, 0o666, 0


class Targets(NamedTuple):
    """Ports are None where the host has no such address; `segment` is the key of SysV shared memory."""

    mark: str  # a name that nothing else has
    files: tuple[str, ...]
    port: int | None
    port_6: int | None
    abstract: str
    segment: int | None
    pid: int  # a process of the host


@contextmanager
def set_up(outside: Outside, home: str) -> Generator[Targets]:
    """`outside` makes calls as the job's account, without a jail."""
    token = f"sandbox-verify-{os.getpid()}-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        files = [stack.enter_context(_file(Path(folder, f".{token}"))) for folder in (*_FOLDERS, home)]
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0{token}")
        abstract.listen()
        yield Targets(
            mark=f".{token}",
            files=tuple(str(path) for path in files if path is not None),
            port=stack.enter_context(_listener(socket.AF_INET, "127.0.0.1")),
            port_6=stack.enter_context(_listener(socket.AF_INET6, "::1")),
            abstract=token,
            segment=stack.enter_context(_segment(outside)),
            pid=os.getpid(),
        )


@contextmanager
def _file(path: Path) -> Generator[Path | None]:
    """None: this account may not write there."""
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError:
        yield None
        return
    try:
        os.fchmod(made, 0o644)
        os.write(made, b"of the host\n")
        os.close(made)
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _listener(family: socket.AddressFamily, address: str) -> Generator[int | None]:
    try:
        listener = socket.create_server((address, 0), family=family)
    except OSError:
        yield None
        return
    with listener:
        port: int = listener.getsockname()[1]
        yield port


@contextmanager
def _segment(outside: Outside) -> Generator[int | None]:
    key = secrets.randbelow(1 << 30) + (1 << 30)
    (made,) = outside([[call("shmget", key, 4096, _IPC_CREAT | _ALL_MAY)]])
    if made.failed(1):
        yield None
        return
    try:
        yield key
    finally:
        outside([[call("shmctl", made.results[0], _IPC_RMID, 0)]])
