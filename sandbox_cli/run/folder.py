"""A folder of the caller's on its way into scratch: all that is in it, each name in an open folder, no link followed.

Somebody else may write in it meanwhile. What is told here was so when it was looked at; a link that leads out, or
what is neither file, folder nor link, is refused, and what is opened later is opened in the same way again.
"""

from __future__ import annotations

import os
import stat

from sandbox_cli.errors import UsageError
from sandbox_cli.run.tree import DEEPEST, open_folder, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Entry = tuple[bytes, os.stat_result, bytes | None]  # a path below the folder, and what the link there says

MOST_LINKS = 40  # the kernel's own bound on those of one path
_KINDS = {stat.S_IFIFO: "a fifo", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def open_top(path: str) -> int:
    """The folder itself; that it may be named by a link is its caller's choice."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def entries(top: int, named: str) -> Iterator[Entry]:
    """All that is in the folder, each folder before what it holds. `named` is what messages call it.

    Raises UsageError for what can't be copied as it is.
    """
    for path, looks in walk(top):
        shown = f"{named.rstrip('/')}/{os.fsdecode(path)}"
        if looks is None:
            hint = f"make it readable, or leave it out; folders can be {DEEPEST} deep"
            raise UsageError(f"{_quoted(shown)} can't be read, or lies too deep", hint=hint)
        kind = stat.S_IFMT(looks.st_mode)
        if kind in _KINDS:
            raise UsageError(f"{_quoted(shown)} is {_KINDS[kind]}", hint="-f copies files, folders and links")
        target = None
        if kind == stat.S_IFLNK:
            target = _target(top, path)
            if leads_out(top, os.path.dirname(path), target):
                hint = "put what it leads to into the folder, or name it with a -f of its own"
                raise UsageError(f"{_quoted(shown)} is a link that leads out of {_quoted(named)}", hint=hint)
        yield path, looks, target


def leads_out(top: int, folder: bytes, target: bytes) -> bool:
    """Whether a link in `folder` leads out of `top`, where every folder of its way is as it is now."""
    way = [name for name in folder.split(b"/") if name]
    pending = _steps(target)
    links = 0
    if target.startswith(b"/"):
        return True
    while pending:
        name = pending.pop()
        if name == b"..":
            if not way:
                return True
            way.pop()
            continue
        way.append(name)
        further = _link(top, way)
        if further is None:
            continue
        links += 1
        if links > MOST_LINKS or further.startswith(b"/"):
            return True
        way.pop()
        pending += _steps(further)
    return False


def _steps(path: bytes) -> list[bytes]:
    """The names of a path, the first one last."""
    return [name for name in reversed(path.split(b"/")) if name not in (b"", b".")]


def _link(top: int, way: list[bytes]) -> bytes | None:
    """What the link at that place says; None: none is there."""
    try:
        return _target(top, b"/".join(way))
    except OSError:
        return None


def _target(top: int, path: bytes) -> bytes:
    folder, name = os.path.split(path)
    above = open_folder(top, b".", folder)
    try:
        return os.readlink(name, dir_fd=above)
    finally:
        os.close(above)


def _quoted(text: str) -> str:
    from sandbox_cli.text import quoted  # imports re, which a run that goes well does not need

    return quoted(text)
