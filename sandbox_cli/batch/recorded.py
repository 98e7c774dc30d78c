"""What stands in a file of results: which job each line is the result of. A line may have any length."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, cast

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

SCHEMA = "sandbox-result/1"
_PIECE = 1 << 17  # of a longer line (artifacts are in it) no more than this is in memory
_BEGINNING = re.compile(rb'\s*\{\s*"schema"\s*:\s*"' + SCHEMA.encode() + rb'"\s*,\s*"id"\s*:\s*("(?:[^"\\]|\\.)*+")')
_FIRST = b'{"schema":"' + SCHEMA.encode() + b'"'  # of every line, but for its spaces
_PLAIN = re.compile(re.escape(_FIRST) + rb',"id":"([ !#-\[\]-~]+)"')
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NO_BRACKET = bytes(set(range(256)) - set(b"{}[]"))


class Recorded(NamedTuple):
    """A line from byte `start` to `end`. `id` is None where it is no result, or not all of one."""

    number: int
    start: int
    end: int
    id: str | None
    head: bytes  # of a long one its first 64 bytes, and its last
    is_zeros: bool = False

    @property
    def is_ended(self) -> bool:
        """By a newline."""
        return self.head.endswith(b"\n")

    @property
    def is_torn(self) -> bool:
        """The beginning of a result, with nothing behind it: what a write leaves that was cut short.

        After a power failure there may be zeros for what never got to the disk.
        """
        if self.is_ended:
            return False
        start = b"".join(self.head.split())
        is_all = len(self.head) == self.end - self.start
        return start.startswith(_FIRST) or self.is_zeros or (is_all and _FIRST.startswith(start.rstrip(b"\0")))


def recorded(file: BinaryIO) -> Iterator[Recorded]:
    """The lines of `file` that aren't empty."""
    number = end = 0
    while head := file.readline(_PIECE):
        number, start, end = number + 1, end, end + len(head)
        is_zeros = False
        if len(head) < _PIECE or head.endswith(b"\n"):
            found = _id(head)
        else:
            shape = _Shape(head)
            piece = head
            is_zeros = not head.strip(b"\0")
            while not piece.endswith(b"\n") and (piece := file.readline(_PIECE)):
                shape.add(piece)
                is_zeros = is_zeros and not piece.strip(b"\0")
                end += len(piece)
            found = _id_at_beginning(head) if shape.is_whole else None
            head = head[:64] + piece[-1:]
        if found is not None or not head.isspace():
            yield Recorded(number, start, end, found, head, is_zeros)


def _id(line: bytes) -> str | None:
    if line.endswith(b"}\n") and b"\0" not in line and line.count(_FIRST) == 1:
        beginning = _PLAIN.match(line)  # all but a few: a line that we wrote, and nothing stuck to it
        if beginning is not None:
            return beginning[1].decode()
    try:
        result = from_json(line)
    except ValueError:  # it may be nested deeper than this parser goes: a job's value is what the job likes
        return _id_at_beginning(line) if _Shape(line).is_whole else None
    if not isinstance(result, dict):
        return None
    found = cast("dict[str, object]", result)
    name = found.get("id")
    return name if found.get("schema") == SCHEMA and isinstance(name, str) else None


def _id_at_beginning(line: bytes) -> str | None:
    beginning = _BEGINNING.match(line)
    try:
        return beginning and from_json(beginning[1])
    except ValueError:
        return None


class _Shape:
    """Whether a line, which comes in pieces, is one object from its first bracket to its last."""

    def __init__(self, piece: bytes) -> None:
        self._depth = self._closed = 0
        self._in_string = self._has_zero = False
        self._left = self._last = b""
        self.add(piece)

    def add(self, piece: bytes) -> None:
        piece = self._left + piece
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        self._left = piece[len(piece) - backslashes % 2 :]  # the one that escapes what comes next
        self._has_zero |= b"\0" in piece
        self._last = piece.rstrip()[-1:] or self._last
        parts = _ESCAPE.sub(b"", piece[: len(piece) - len(self._left)]).split(b'"')
        for bracket in b"".join(parts[self._in_string :: 2]).translate(None, delete=_NO_BRACKET):
            self._depth += 1 if bracket in b"{[" else -1
            self._closed += self._depth <= 0
        self._in_string ^= len(parts) % 2 == 0

    @property
    def is_whole(self) -> bool:
        sound = not (self._in_string or self._left or self._has_zero)
        return sound and self._depth == 0 and self._closed == 1 and self._last == b"}"
