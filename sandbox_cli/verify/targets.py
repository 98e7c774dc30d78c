"""What is put on the host for a jail to miss: listeners, and files that anybody may read. All of it goes again."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
import stat
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.verify.calls import call

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from sandbox_cli.verify.calls import Answer, Call

    Outside = Callable[[Sequence[Sequence[Call]]], list[Answer]]

_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 (where everybody may write: a jail must have its own)
_OURS = re.compile(r"\.sandbox-verify-[0-9]+-[0-9a-f]{8}")
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
    """`outside` makes calls without a jail, as whoever asks. What a verify that was killed left goes first."""
    sweep(home)
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
    made = None
    try:
        with suppress(OSError):
            made = _locked(path)  # a signal that ends us may come as soon as it is there
        if made is None:
            yield None
            return
        os.fchmod(made, 0o644)
        os.write(made, b"of the host\n")
        yield path
    finally:
        if made is not None or os.path.exists(path):  # noqa: PTH110 (pathlib's raises where it may not look)
            path.unlink(missing_ok=True)
        if made is not None:
            os.close(made)


def _locked(path: Path) -> int:
    """Makes a file whose lock says that we live, as that of a scratch directory does. A sweep may take it before."""
    while True:
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
        with suppress(OSError):  # where there are no locks a sweep gets none either
            fcntl.flock(made, fcntl.LOCK_SH)
        if path.exists():
            return made
        os.close(made)


def sweep(home: str) -> list[str]:
    """Removes the files of this account's that no verify has any more, and returns their paths."""
    folders = dict.fromkeys((*_FOLDERS, home))
    return [path for folder in folders for path in _ours(folder) if _removed(path)]


def _ours(folder: str) -> list[str]:
    """By name alone; of a folder that may not be listed nothing can be known."""
    try:
        return [f"{folder}/{name}" for name in os.listdir(folder) if _OURS.fullmatch(name)]  # noqa: PTH208 (names alone)
    except OSError:
        return []


def _removed(path: str) -> bool:
    try:
        found = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False  # gone, or nobody's of ours
    try:
        looks = os.fstat(found)
        if not stat.S_ISREG(looks.st_mode) or looks.st_uid != os.geteuid():
            return False
        fcntl.flock(found, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Path(path).unlink()
    except OSError:
        return False  # it is a living verify's
    finally:
        os.close(found)
    return True


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
