"""Files out of scratch, through the directory's fd: never by a path that a job could bend.

The last process of the job is dead then. Not all need be still: it can have handed its directory, or a file of it, to
another job through a socket that both see.
"""

from __future__ import annotations

import os
import stat

from sandbox_cli.run.content import HOLES, Patience, StoppedError, allocated, checksum, pieces
from sandbox_cli.run.globs import matcher
from sandbox_cli.run.inputs import identity, write_all
from sandbox_cli.run.saving import NotSavedError, Target
from sandbox_cli.run.tree import CLOSED, MOST_NAMES, open_file, open_folder, walk
from sandbox_cli.slots import VALUE_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.plan.model import Artifacts
    from sandbox_cli.result import FoundArtifact
    from sandbox_cli.run.content import Piece
    from sandbox_cli.run.inputs import Identity

INLINE_BYTES = 8 << 20  # of all artifacts that are returned in the result itself
NAMES_BYTES = 64 << 20  # what those that match may take in memory
_NAME_BYTES = 300  # of it for a name, beside its letters
NOT_SAVED = "can't be saved"
REST = b"."  # stands among what was left out for all that isn't named there
_MOST_OMITTED = 1000
_VALUE = VALUE_FILE.encode()  # is returned as what it says
_KINDS = {
    stat.S_IFLNK: "symbolic link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class _TooLargeError(Exception):
    """More than may be returned."""


def collect(
    scratch: int,
    wanted: Artifacts,
    skip: dict[bytes, Identity],
    program: bytes | None,
    output_dir: str | None,
    *,
    force: bool = False,
    cancel: int | None = None,
) -> tuple[list[FoundArtifact], list[tuple[bytes, str]]]:
    """What the job made or changed: regular files that match, within the bounds; and what was left out, with why.

    With `output_dir`, a path without links, they are saved below it, over what is there only with `force`; else their
    content comes along, up to INLINE_BYTES in all. It ends early when there is something to read in `cancel`, which
    stays there.
    """
    if output_dir is None:
        return _Collection(scratch, wanted, None, Patience(cancel)).run(skip, program)
    try:
        top = open_folder(None, b"/", os.fsencode(output_dir))
    except OSError as error:  # the job could reach it, and put something else in its place
        return [], [(REST, f"{NOT_SAVED}: {output_dir}: {error.strerror}")]
    try:
        found, omitted = _Collection(scratch, wanted, Target(top, force=force), Patience(cancel)).run(skip, program)
    finally:
        os.close(top)
    for each in found:
        each["saved_to"] = os.path.join(output_dir, os.fsdecode(each["path"]))
    return found, omitted


def known(scratch: int, *, cancel: int | None = None) -> dict[bytes, Identity]:
    """What each file looks like now, to know it again unchanged: what an earlier program left is no artifact.

    The modes stay as they are: another program is to run there. What can't be read, or not in time, isn't in it.
    """
    patience = Patience(cancel)
    seen: dict[bytes, Identity] = {}
    room = NAMES_BYTES
    try:
        for number, (path, looks) in enumerate(walk(scratch)):
            patience.check()
            room -= len(path) + _NAME_BYTES
            if number >= MOST_NAMES or room < 0:
                break
            if looks is not None and not stat.S_ISDIR(looks.st_mode):
                checked = _checksum(scratch, path, looks, patience)
                if checked is not None:
                    seen[path] = identity(looks, checked)
    except StoppedError:
        pass  # it ends the run, or will be told when all is collected
    return seen


def _checksum(
    scratch: int, path: bytes, looks: os.stat_result, patience: Patience, *, opening: bool = False
) -> int | None:
    """Of a regular file its content's; None: it can't be read, or not soon enough."""
    if not stat.S_ISREG(looks.st_mode):
        return 0
    if looks.st_size - allocated(looks) > HOLES:
        return None
    try:
        source = open_file(scratch, path, opening=opening)
    except OSError:
        return None
    try:
        return checksum(source, looks.st_size, patience)
    except OSError:
        return None
    finally:
        os.close(source)


class _Collection:
    """The files of one scratch directory, on their way to a directory or into the result."""

    def __init__(self, scratch: int, wanted: Artifacts, target: Target | None, patience: Patience) -> None:
        self._scratch, self._wanted, self._target, self._patience = scratch, wanted, target, patience
        self._found: list[FoundArtifact] = []
        self._omitted: list[tuple[bytes, str]] = []
        self._room, self._holes, self._inline = wanted["max_bytes"], HOLES, INLINE_BYTES

    def run(
        self, skip: dict[bytes, Identity], program: bytes | None
    ) -> tuple[list[FoundArtifact], list[tuple[bytes, str]]]:
        unnamed = 0
        try:
            candidates = self._candidates(skip, program)
            for path in sorted(candidates):
                self._patience.check()
                unfit_or_size = candidates[path]
                reason = unfit_or_size if isinstance(unfit_or_size, str) else self._take(path, unfit_or_size)
                if reason is not None and len(self._omitted) < _MOST_OMITTED:
                    self._omitted.append((path, reason))
                elif reason is not None:
                    unnamed += 1
        except StoppedError as stopped:
            self._omitted.append((REST, str(stopped)))
        if unnamed:
            self._omitted.append((REST, f"and {unnamed} more were left out"))
        return self._found, self._omitted

    def _candidates(self, skip: dict[bytes, Identity], program: bytes | None) -> dict[bytes, int | str]:
        """What the globs name: the room that it takes, or why it can't be taken, if that shows already."""
        matches = matcher(self._wanted["collect"])
        candidates: dict[bytes, int | str] = {}
        room = NAMES_BYTES
        for number, (path, looks) in enumerate(walk(self._scratch, opening=True)):
            self._patience.check()
            if number >= MOST_NAMES or room < 0:
                self._omitted.append((REST, f"there were more than {number} names"))
                break
            if looks is None:
                candidates[path or REST] = CLOSED  # whatever the globs say of what is in it
            elif path in (program, _VALUE) or stat.S_ISDIR(looks.st_mode) or not matches(path):
                continue
            elif path not in skip or not self._unchanged(path, looks, skip[path]):
                candidates[path] = _KINDS.get(stat.S_IFMT(looks.st_mode)) or allocated(looks)
            room -= len(path) + _NAME_BYTES
        return candidates

    def _unchanged(self, path: bytes, looks: os.stat_result, known: Identity) -> bool:
        if identity(looks, known[-1]) != known:
            return False
        return _checksum(self._scratch, path, looks, self._patience, opening=True) == known[-1]

    def _take(self, path: bytes, size: int) -> str | None:
        """Hashes one file, and saves or keeps it; else says why not."""
        if len(self._found) >= self._wanted["max_files"]:
            return f"over artifacts.max_files ({self._wanted['max_files']})"
        if size > self._room:
            return self._too_large
        try:
            source = open_file(self._scratch, path, opening=True)
        except OSError as error:
            return f"can't be read: {error.strerror}"
        room = self._room
        try:
            reason = self._take_open(path, source)
        except _TooLargeError:
            reason = self._too_large
        except NotSavedError as why:
            reason = f"{NOT_SAVED}: {why}"
        except OSError as error:
            reason = f"{NOT_SAVED}: {error.strerror}"
        finally:
            os.close(source)
        if reason is not None:
            self._room = room
        return reason

    def _take_open(self, path: bytes, source: int) -> str | None:
        looks = os.fstat(source)  # it may have grown since it was found
        holes = looks.st_size - allocated(looks)
        if holes > self._holes:
            return f"a sparse file of {looks.st_size} bytes: to hash so many zeros takes too long"
        parts = self._counted(pieces(source, looks.st_size, self._patience))
        kept: list[bytes] | None = None
        if self._target is not None:
            mode = 0o755 if looks.st_mode & 0o100 else 0o644
            size, digest = self._target.save(path, mode, lambda fd: _copy(parts, fd))
        elif looks.st_size <= self._inline:
            kept = []
            size, digest = _hash(_passed(parts, kept))
            self._inline -= size
        else:
            size, digest = _hash(parts)
        self._holes -= holes
        content = b"".join(kept) if kept is not None else None
        self._found.append({"path": path, "size_bytes": size, "sha256": digest, "content": content, "saved_to": None})
        return None

    def _counted(self, parts: Iterator[Piece]) -> Iterator[Piece]:
        """What is read is what counts: some file systems say only later how much room it takes."""
        for piece, is_hole in parts:
            self._room -= 0 if is_hole else len(piece)
            if self._room < 0:
                raise _TooLargeError
            yield piece, is_hole

    @property
    def _too_large(self) -> str:
        return f"over artifacts.max_bytes ({self._wanted['max_bytes']})"


def _copy(parts: Iterator[Piece], target: int) -> tuple[int, str]:
    """Holes stay holes, where the file system knows them."""

    def written() -> Iterator[Piece]:
        for piece, is_hole in parts:
            if is_hole:
                os.lseek(target, len(piece), os.SEEK_CUR)
            else:
                write_all(target, piece)
            yield piece, is_hole

    size, digest = _hash(written())
    os.ftruncate(target, size)  # the last of it may be a hole
    return size, digest


def _passed(parts: Iterator[Piece], kept: list[bytes]) -> Iterator[Piece]:
    for piece, is_hole in parts:
        kept.append(piece)
        yield piece, is_hole


def _hash(parts: Iterator[Piece]) -> tuple[int, str]:
    """The size of all, and their digest."""
    from hashlib import sha256  # 4 ms that a job without artifacts doesn't pay

    digest, size = sha256(), 0
    for piece, _ in parts:
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()
