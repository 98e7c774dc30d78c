"""What stands in a job's files: read as far as it goes, in bounded time, and without reading what is a hole."""

from __future__ import annotations

import errno
import os
import select
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Piece = tuple[bytes, bool]  # and whether it is a hole's

LONGEST_S = 60.0  # that looking at one job's files may take
HOLES = 8 << 30  # bytes of all holes that are hashed: five seconds' worth where 1.6 GB/s are
_PIECE = 1 << 20  # bytes that are read at once
_ZEROS = bytes(_PIECE)  # takes no memory until somebody looks at it


class StoppedError(Exception):
    """Nobody waits for the rest any more; its text says why."""


class Patience:
    """How long it goes on: until there is something to read in `cancel`, or LONGEST_S have passed."""

    def __init__(self, cancel: int | None) -> None:
        self._until = time.monotonic() + LONGEST_S
        self._poll = select.poll()
        if cancel is not None:
            self._poll.register(cancel, select.POLLIN)

    def check(self) -> None:
        if time.monotonic() > self._until:
            raise StoppedError(f"there was more than could be collected in {LONGEST_S:.0f}s")
        if any(events & select.POLLIN for _, events in self._poll.poll(0)):
            raise StoppedError("cancelled before all was collected")


def allocated(looks: os.stat_result) -> int:
    """Bytes of a file that take room: without its holes, and without what was set aside behind its end."""
    return min(looks.st_size, looks.st_blocks * 512)


def pieces(source: int, size: int, patience: Patience) -> Iterator[Piece]:
    """As much of a file as it had: somebody may make it longer, or shorter, all the time."""
    offset = 0
    while offset < size:
        start, end = _data(source, offset, size)
        while offset < start:
            patience.check()
            hole = _ZEROS[: start - offset]
            yield hole, True
            offset += len(hole)
        while offset < end:
            patience.check()
            piece = os.pread(source, min(end - offset, _PIECE), offset)
            if not piece:
                return
            yield piece, False
            offset += len(piece)


def checksum(source: int, size: int, patience: Patience) -> int:
    """Tells a hole from zeros as little as its readers can: a page of it that was only looked at is one no more."""
    from zlib import crc32

    found = 0
    for piece, _ in pieces(source, size, patience):
        found = crc32(piece, found)
    return found


def _data(source: int, offset: int, size: int) -> tuple[int, int]:
    """Where, from `offset` on, the next data begin and end; both are the end of the file where there are none."""
    try:
        start = os.lseek(source, offset, os.SEEK_DATA)
        return min(start, size), min(max(os.lseek(source, start, os.SEEK_HOLE), start + 1), size)
    except OSError as error:
        if error.errno == errno.EINVAL:  # a file system that knows no holes
            return offset, size
        if error.errno != errno.ENXIO:
            raise
    rest = min(size, os.fstat(source).st_size)
    return (rest, rest) if rest > offset else (offset, size)
