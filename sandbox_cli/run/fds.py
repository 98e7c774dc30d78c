"""The fds of the runs of this process, which no fork of it keeps.

A program that uses us may fork at any moment, from any of its threads, and the child gets a copy of every fd: of the
pipe whose end is the end of a job's stdin, of the socket whose end tells a jail that its supervisor is gone, of the
locks by which a sweep knows that a run lives, of a scratch that is gone when nobody holds it. Close-on-exec does
nothing for a child that executes nothing. So what a run holds for longer is listed here, and the child closes it first
of all. `apart` is held while an fd is opened or closed, so that no fork comes between it and its line in the list.

A fork that a C library makes without Python is not seen. That a run was forked shows in its pid: see `Origin`.
"""

from __future__ import annotations

import _socket
import _thread
import os

from sandbox_cli.errors import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_open: dict[int, _socket.socket | None] = {}  # a socket would close its number again when it is forgotten
apart = _thread.RLock()  # not a plain one: a handler of a signal may fork while its own thread is at it


class Origin:
    """The process that something belongs to. A fork inherits all that is known of it, and must leave it alone."""

    def __init__(self) -> None:
        self._pid = os.getpid()

    @property
    def is_here(self) -> bool:
        return os.getpid() == self._pid

    def check(self) -> None:
        """Raises HostError in a fork."""
        if not self.is_here:
            raise HostError(
                "this process was forked while a job ran: the job is its parent's",
                hint="end a process that is forked in a callback with os._exit(), or start jobs of its own in it",
            )


def own(open_it: Callable[..., int], *arguments: object) -> int:
    """Opens an fd that `close` is to close."""
    with apart:
        fd = open_it(*arguments)
        _open[fd] = None
    return fd


def own_pipe() -> tuple[int, int]:
    """The same of a pipe: the end to read from, and the one to write to."""
    with apart:
        pipe = os.pipe2(os.O_CLOEXEC)
        _open.update(dict.fromkeys(pipe))
    return pipe


def adopt(*fds: int) -> None:
    """Lists what was opened `apart`."""
    _open.update(dict.fromkeys(fds))


def adopt_socket(each: _socket.socket) -> None:
    """The same of a socket, which `close_socket` is to close."""
    _open[each.fileno()] = each


def close(*fds: int | None) -> None:
    """Closes those that are open; one that was never opened is None."""
    with apart:
        for fd in fds:
            if fd is not None:
                _open.pop(fd, None)
                os.close(fd)


def close_socket(each: _socket.socket) -> None:
    with apart:
        _open.pop(each.fileno(), None)
        each.close()


def _close_all() -> None:
    """In a child, before anything else runs there: its only thread is this one."""
    for fd, its_socket in _open.items():
        if its_socket is not None:
            its_socket.detach()
        os.close(fd)
    _open.clear()
    try:
        apart.release()
    except RuntimeError:
        pass  # a server that embeds Python may say that it has forked, and not that it will


os.register_at_fork(before=apart.acquire, after_in_parent=apart.release, after_in_child=_close_all)
