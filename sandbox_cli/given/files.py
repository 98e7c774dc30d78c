"""-f SRC[:DEST]: files and folders into scratch, all of it looked at before anything starts."""

from __future__ import annotations

import os
import posixpath
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import RefusedError, UsageError
from sandbox_cli.given.code import mode_of, regular, unreadable
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox_cli.plan.model import Limit
    from sandbox_cli.run.model import Input

ITSELF = "."  # as a target: what is in the folder goes right into scratch
_READABLE = "name a file or a folder that you can read"
_ANOTHER = "give one of them another name: -f SRC:DEST"
_PAGE = 4096  # of memory: what the shortest file takes


def files(options: Sequence[str]) -> list[tuple[str, str]]:
    """`SRC[:DEST]` as (path on the host, path below scratch)."""
    chosen: list[tuple[str, str]] = []
    taken: dict[str, str] = {}
    for option in options:
        source, target = _source_and_target(option)
        for name in _names(source, target):
            if clash := next((other for other in taken if collide(other, name)), None):
                raise UsageError(
                    f"-f: {quoted(source)} and {quoted(taken[clash])} can't both be {quoted(name)} in scratch"
                    if name == clash
                    else f"-f: {quoted(min(name, clash, key=len))} can't be a file and a folder in scratch",
                    hint=_ANOTHER,
                )
            taken[name] = source
        chosen.append((_absolute(source), target))
    return chosen


def of_path(path: str, name: str) -> tuple[str, str]:
    """A file or a folder that gets `name` below scratch, as `files` has them."""
    _check_source(path)
    return _absolute(path), name


def inputs(chosen: Sequence[tuple[str, str]], code: tuple[str, str | None] | None) -> list[Input]:
    """What of `files` is put into scratch. `code` is the name that the code has there, and the FILE that it is from:
    a folder that goes right into scratch may hold that one, which is then there already."""
    found: list[Input] = []
    for source, target in chosen:
        for name in _names(source, target) if code is not None else ():
            assert code is not None
            if collide(name, code[0]) and not (target == ITSELF and _same(f"{source}/{name}", code)):
                raise UsageError(
                    f"-f: {quoted(code[0])} is the code's own name in scratch", hint="name another: -f SRC:DEST"
                )
        if _is_folder(source):
            found.append((b"" if target == ITSELF else os.fsencode(target), source, stat.S_IFDIR | 0o755))
        else:
            found.append((os.fsencode(target), source, mode_of(source)))
    return found


def check(found: Iterable[Input], limits: Mapping[str, Limit]) -> None:
    """Raises UsageError for what can't be copied, RefusedError for more than scratch may hold."""
    count, size = 0, 0
    for _, source, mode in found:
        if stat.S_ISDIR(mode):
            for looks in _within(os.fsdecode(source)):
                count, size = count + 1, size + _room(looks)
                _bound(limits, "scratch_files", count)
        else:
            count += 1
            size += _pages(len(source)) if isinstance(source, bytes) else _room(Path(source).stat())
        _bound(limits, "scratch_files", count)
        _bound(limits, "scratch_size", size)


def collide(path: str, other: str) -> bool:
    """Whether both can't be there: they are the same, or one would have to be a folder."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def _source_and_target(option: str) -> tuple[str, str]:
    """A name with a colon that exists as a whole is a SRC; else the last colon divides.

    As for cp, a DEST that is a folder (`in/`, `.`) gets SRC under its own name, and of a SRC that ends in `/.` what is
    in it is meant.
    """
    source, target = option, ITSELF
    if ":" in option and not os.path.lexists(option):
        source, _, target = option.rpartition(":")
    own = posixpath.basename(source.rstrip("/"))
    own = ITSELF if own in {"", ".", ".."} else own
    _check_source(source)
    if target.startswith("/") or ".." in target.split("/"):
        hint = "DEST is a path below the job's own directory"
        raise UsageError(f"-f: {quoted(target)} leads out of scratch", hint=hint)
    if not target:
        raise UsageError("-f: '' names no file", hint=f"say the name too: {quoted(own)}")
    normal = posixpath.normpath(target)
    if normal == ITSELF or target.endswith("/"):
        return source, posixpath.normpath(posixpath.join(normal, own))
    return source, normal


def _check_source(source: str) -> None:
    if source and _is_folder(source):
        if not os.access(source, os.R_OK | os.X_OK):
            raise UsageError(f"{quoted(source)} can't be read: Permission denied", hint=f"look at `ls -ld {source}`")
    else:
        regular(source, _READABLE, "-f copies files and folders")


def _names(source: str, target: str) -> list[str]:
    """The names that an input takes below scratch."""
    if target != ITSELF:
        return [target]
    try:
        return os.listdir(source)  # noqa: PTH208 (names)
    except OSError as error:
        raise unreadable(source, error, _READABLE) from None


def _same(path: str, code: tuple[str, str | None]) -> bool:
    name, file = code
    return file is not None and posixpath.basename(path) == name and Path(path).samefile(file)


def _within(source: str) -> Iterable[os.stat_result]:
    from sandbox_cli.run import folder

    try:
        top = folder.open_top(source)
        try:
            for path, looks, _ in folder.entries(top, source):
                whole = f"{source}/{os.fsdecode(path)}"
                if stat.S_ISREG(looks.st_mode) and not os.access(whole, os.R_OK):
                    raise UsageError(f"{quoted(whole)} can't be read: Permission denied", hint=_READABLE)
                yield looks
        finally:
            os.close(top)
    except OSError as error:
        raise unreadable(source, error, _READABLE) from None


def _bound(limits: Mapping[str, Limit], name: str, needed: int) -> None:
    limit = limits.get(name)
    if limit is None or needed <= limit["value"]:
        return
    much = "more files, folders and links" if name == "scratch_files" else "more room"
    more = f", or ask for more: --limit {name}=VALUE, within the policy's maximum"
    hint = f"copy less, or use -C DIR{'' if limit['blame']['source'] == 'ceiling' else more}"
    raise RefusedError(f"the files for scratch need {much} than {limit['asked']}", hint=hint, blame=limit["blame"])


def _room(looks: os.stat_result) -> int:
    return _pages(looks.st_size) if stat.S_ISREG(looks.st_mode) else 0


def _pages(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


def _is_folder(source: str) -> bool:
    return os.path.isdir(source)  # noqa: PTH112 (a name that no path can be is none)


def _absolute(source: str) -> str:
    try:
        return str(Path(source).absolute())
    except OSError as error:  # the current directory is gone
        raise unreadable(source, error, "give its whole path") from None
