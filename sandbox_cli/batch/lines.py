"""Lines of an input that may be anything: read in bounded pieces, and only as fast as they are taken."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 64 << 20  # bytes of a line: as long as code may be
_PIECE = 65536


class Line(NamedTuple):
    """`text` is None where it is longer than LONGEST."""

    number: int  # from 1
    text: bytes | None


class Lines:
    """The lines of an fd, in their order, until its end or until there is something to read in `stop`."""

    def __init__(self, fd: int, stop: int) -> None:
        self.taken_bytes = 0  # of the lines that were handed out
        self._fd, self._stop = fd, stop
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._poll.register(stop, select.POLLIN)

    def __iter__(self) -> Iterator[Line]:
        """Raises HostError where it can't be read."""
        number, held, size = 1, list[bytes](), 0
        while piece := self._read():
            *ends, rest = piece.split(b"\n")
            for end in ends:
                size += len(end)
                self.taken_bytes += size + 1
                yield Line(number, b"".join([*held, end]) if size <= LONGEST else None)
                number, held, size = number + 1, [], 0
            size += len(rest)
            held = [*held, rest] if size <= LONGEST else []
        if size and piece is not None:
            self.taken_bytes += size
            yield Line(number, b"".join(held) if size <= LONGEST else None)

    def _read(self) -> bytes | None:
        """Nothing at the end; None where it was stopped, since half a line is no job."""
        if any(fd == self._stop for fd, _ in self._poll.poll()):
            return None
        try:
            return os.read(self._fd, _PIECE)
        except OSError as error:
            raise HostError(f"the jobs can't be read any further: {error.strerror}") from None
