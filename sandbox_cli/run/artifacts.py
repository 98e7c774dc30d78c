"""Files in and out of scratch, through the directory's fd: never by a path that a job could bend.

Inputs are written before the gate opens, artifacts read after the last process is dead, so nothing races.
"""

from __future__ import annotations

import errno
import os
import stat

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.run.tree import FOLDER, open_file, walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sandbox_cli.plan.model import Artifacts
    from sandbox_cli.result import FoundArtifact
    from sandbox_cli.run.model import Input

INLINE_BYTES = 8 << 20  # of all artifacts that are returned in the result itself
NOT_SAVED = "can't be saved"
_MOST_OMITTED = 1000
_PIECE = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a fifo must not hold us
_KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}

Identity = tuple[int, int, int, int]


def put(scratch: int, inputs: Iterable[Input], owner: tuple[int, int] | None) -> dict[bytes, Identity]:
    """Writes the inputs, as `owner` where that isn't us. Returns what each looks like, to know it again unchanged.

    Raises UsageError when one can't be read, HostError when scratch can't take it.
    """
    written: dict[bytes, Identity] = {}
    for name, source, mode in inputs:
        try:
            folder = _make_folders(scratch, os.path.dirname(name), owner)
            try:
                written[name] = _put_one(folder, os.path.basename(name), source, mode, owner)
            finally:
                os.close(folder)
        except OSError as error:
            shown = os.fsdecode(name)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise HostError(
                    f"the input {shown!r} does not fit into the job's scratch directory",
                    hint="raise limits.scratch_size or limits.scratch_files, or free some room on the disk",
                ) from error
            raise UsageError(f"can't put the input {shown!r} into scratch: {error.strerror}") from error
    return written


def collect(
    scratch: int, wanted: Artifacts, skip: dict[bytes, Identity], program: bytes | None, output_dir: str | None
) -> tuple[list[FoundArtifact], list[tuple[bytes, str]]]:
    """What the job made or changed: regular files that match, within the bounds; and what was left out, with why.

    With `output_dir` they are saved below it, never over a file that is there; else their content comes
    along, up to INLINE_BYTES in all.
    """
    found: list[FoundArtifact] = []
    omitted: list[tuple[bytes, str]] = []
    room, inline = wanted["max_bytes"], INLINE_BYTES
    made: set[bytes] = set()  # the folders below it that are ours
    target = os.open(output_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) if output_dir is not None else None
    try:
        for path, looks in sorted(_candidates(scratch, wanted["collect"], skip, program), key=lambda each: each[0]):
            reason = _unfit(looks)
            if reason is None and len(found) >= wanted["max_files"]:
                reason = f"over artifacts.max_files ({wanted['max_files']})"
            if reason is None and looks is not None and looks.st_size > room:
                reason = f"over artifacts.max_bytes ({wanted['max_bytes']})"
            if reason is None:
                taken = _take(scratch, path, target, inline, made)
                if isinstance(taken, str):
                    reason = taken
                else:
                    taken["saved_to"] = os.path.join(output_dir, os.fsdecode(path)) if output_dir is not None else None
                    found.append(taken)
                    room -= taken["size_bytes"]
                    inline -= len(taken["content"] or b"")
            if reason is not None and len(omitted) < _MOST_OMITTED:
                omitted.append((path, reason))
    finally:
        if target is not None:
            os.close(target)
    return found, omitted


def _candidates(
    scratch: int, globs: list[str], skip: dict[bytes, Identity], program: bytes | None
) -> Iterator[tuple[bytes, os.stat_result | None]]:
    matches = _matcher(globs)
    for path, looks in walk(scratch, opening=True):
        if path == program or not matches(path):
            continue
        if looks is not None and (stat.S_ISDIR(looks.st_mode) or skip.get(path) == _identity(looks)):
            continue
        yield path, looks


def _unfit(looks: os.stat_result | None) -> str | None:
    if looks is None:
        return "a folder that can't be entered"
    return _KINDS.get(stat.S_IFMT(looks.st_mode))


def _take(scratch: int, path: bytes, target: int | None, inline: int, made: set[bytes]) -> FoundArtifact | str:
    """One file, hashed and saved or kept; or why not."""
    try:
        source = open_file(scratch, path, _READ)
    except OSError as error:
        return f"can't be read: {error.strerror}"
    try:
        looks = os.fstat(source)
        if not stat.S_ISREG(looks.st_mode):
            return "not a regular file"
        if target is not None:
            digest, content = _save(source, target, path, looks.st_mode, made), None
        else:
            digest, content = _read(source, keep=looks.st_size <= inline)
    except FileExistsError:
        return f"{NOT_SAVED}: a file or a folder of that name is there already"
    except OSError as error:
        return f"{NOT_SAVED}: {error.strerror}"
    finally:
        os.close(source)
    return {"path": path, "size_bytes": looks.st_size, "sha256": digest, "content": content, "saved_to": None}


def _read(source: int, *, keep: bool) -> tuple[str, bytes | None]:
    from hashlib import sha256  # 4 ms that a job without artifacts doesn't pay

    digest, pieces = sha256(), list[bytes]()
    while piece := os.read(source, _PIECE):
        digest.update(piece)
        if keep:
            pieces.append(piece)
    return digest.hexdigest(), b"".join(pieces) if keep else None


def _save(source: int, target: int, path: bytes, mode: int, made: set[bytes]) -> str:
    from hashlib import sha256

    folder = _make_folders(target, os.path.dirname(path), None, made)
    name = os.path.basename(path)
    try:
        destination = os.open(name, _NEW, 0o755 if mode & 0o100 else 0o644, dir_fd=folder)
        digest = sha256()
        try:
            while piece := os.read(source, _PIECE):
                digest.update(piece)
                _write_all(destination, piece)
        except OSError:
            os.unlink(name, dir_fd=folder)  # half a file is worse than none
            raise
        finally:
            os.close(destination)
    finally:
        os.close(folder)
    return digest.hexdigest()


def _put_one(folder: int, name: bytes, source: bytes | str, mode: int, owner: tuple[int, int] | None) -> Identity:
    fd = os.open(name, _NEW, mode, dir_fd=folder)
    try:
        os.fchmod(fd, mode)  # whatever our umask
        if isinstance(source, bytes):
            _write_all(fd, source)
        else:
            _copy(source, fd)
        if owner is not None:
            os.fchown(fd, *owner)
        return _identity(os.fstat(fd))
    finally:
        os.close(fd)


def _copy(path: str, target: int) -> None:
    source = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        while piece := os.read(source, _PIECE):
            _write_all(target, piece)
    finally:
        os.close(source)


def _make_folders(top: int, path: bytes, owner: tuple[int, int] | None, made: set[bytes] | None = None) -> int:
    """Opens a folder below `top`, made where it is missing; a link in its place is refused.

    With `made`, the folders that this run made, so is any other that is there already: a job must not put files
    into the caller's own folders (.git/hooks). Raises FileExistsError for it.
    """
    fd = os.dup(top)
    below = b""
    for name in path.split(b"/") if path else []:
        below += name + b"/"
        try:
            os.mkdir(name, 0o755, dir_fd=fd)
            if made is not None:
                made.add(below)
            if owner is not None:
                os.chown(name, *owner, dir_fd=fd, follow_symlinks=False)
        except FileExistsError:
            if made is not None and below not in made:
                os.close(fd)
                raise
        except OSError:
            os.close(fd)
            raise
        try:
            inner = os.open(name, FOLDER, dir_fd=fd)
        finally:
            os.close(fd)
        fd = inner
    return fd


def _write_all(fd: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def _identity(looks: os.stat_result) -> Identity:
    return looks.st_ino, looks.st_size, looks.st_mtime_ns, looks.st_ctime_ns


def _matcher(globs: list[str]) -> Callable[[bytes], bool]:
    """`*` and `?` stay within one name, `**` stands for any number of folders, and at the end for everything below."""
    if globs == ["**"]:
        return lambda _: True
    from fnmatch import fnmatchcase  # it brings re along

    patterns = [pattern.removeprefix("./").split("/") for pattern in globs]

    def matches(path: bytes) -> bool:
        names = os.fsdecode(path).split("/")
        return any(_match(names, pattern) for pattern in patterns)

    def _match(names: list[str], pattern: list[str]) -> bool:
        states = _skip_folders({0}, pattern)  # how much of the pattern may be used up by now
        for name in names:
            states = _skip_folders(
                {
                    state if pattern[state] == "**" else state + 1
                    for state in states
                    if state < len(pattern) and (pattern[state] == "**" or fnmatchcase(name, pattern[state]))
                },
                pattern,
            )
        return len(pattern) in states

    return matches


def _skip_folders(states: set[int], pattern: list[str]) -> set[int]:
    """`**` may also stand for nothing."""
    for state in sorted(states):
        while state < len(pattern) and pattern[state] == "**":
            state += 1  # noqa: PLW2901
            states.add(state)
    return states
