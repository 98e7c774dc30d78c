"""The value that a job leaves in $SANDBOX_VALUE: its bytes, which nobody here looks into."""

from __future__ import annotations

import os
import stat

from sandbox_cli.run.tree import open_file
from sandbox_cli.slots import VALUE_FILE, VALUE_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.result import Status

MOST_BYTES = 1 << 20
_NAME = VALUE_FILE.encode()
_WHOLE = ("ok", "nonzero-exit")  # a program that was stopped may have written half of it, and half a number is a number


def read(scratch: int, status: Status) -> tuple[bytes | None, str | None]:
    """What stands there, or why that is no value; neither, where nothing does."""
    try:
        looks = os.stat(_NAME, dir_fd=scratch, follow_symlinks=False)
        if status not in _WHOLE:
            problem = f"was not read, since the job ended with {status}"
        elif not stat.S_ISREG(looks.st_mode):
            problem = "is no regular file"
        elif len(content := _content(open_file(scratch, _NAME, opening=True))) > MOST_BYTES:
            problem = f"is larger than {MOST_BYTES >> 20} MiB"
        else:
            return content, None
    except FileNotFoundError:
        return None, None
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
    return None, f"${VALUE_VARIABLE} {problem}"


def _content(source: int) -> bytes:
    """All of a file, and of one that is too large a little more than may be."""
    found = bytearray()
    try:
        while len(found) <= MOST_BYTES and (piece := os.read(source, MOST_BYTES + 1 - len(found))):
            found += piece
    finally:
        os.close(source)
    return bytes(found)
