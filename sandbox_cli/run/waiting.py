"""Waiting for what happens at any of several fds."""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox_cli.run.fds import Origin

    Interest = tuple[int, int, Callable[[], None]]  # an fd, the events to wait for, what to do then


def wait(interests: Sequence[Interest], patience_ms: float | None, origin: Origin) -> bool:
    """Does what is to be done at the fds that have something, and says whether any had; None: it waits for ever.

    Raises HostError in a fork.
    """
    poll = select.poll()
    masks: dict[int, int] = {}
    for fd, mask, _ in interests:
        masks[fd] = masks.get(fd, 0) | mask  # stdout and stderr may go to one fd
        poll.register(fd, masks[fd])
    ready = {fd for fd, _ in poll.poll(patience_ms)}
    if ready:
        for fd, _, callback in interests:
            if fd in ready:
                callback()
                origin.check()  # it may have called the caller
    return bool(ready)


def is_ready(fd: int) -> bool:
    """Whether there is something to read, an end too."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
