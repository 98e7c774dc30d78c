"""Files out of scratch, through the directory's fd: never by a path that a job could bend.

The last process of the job is dead then. Not all need be still: it can have handed its directory, or a file of it, to
another job through a socket that both see.
"""

from __future__ import annotations

import os
import stat

from sandbox_cli.run.content import HOLES, Patience, StoppedError, allocated, checksum, pieces
from sandbox_cli.run.globs import matcher
from sandbox_cli.run.inputs import NEW, identity, make_folders, write_all
from sandbox_cli.run.tree import open_file, open_folder, walk
from sandbox_cli.slots import VALUE_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox_cli.plan.model import Artifacts
    from sandbox_cli.result import FoundArtifact
    from sandbox_cli.run.inputs import Identity

INLINE_BYTES = 8 << 20  # of all artifacts that are returned in the result itself
MOST_NAMES = 1_000_000  # that are looked at
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


def collect(
    scratch: int,
    wanted: Artifacts,
    skip: dict[bytes, Identity],
    program: bytes | None,
    output_dir: str | None,
    *,
    cancel: int | None = None,
) -> tuple[list[FoundArtifact], list[tuple[bytes, str]]]:
    """What the job made or changed: regular files that match, within the bounds; and what was left out, with why.

    With `output_dir`, a path without links, they are saved below it, never over a file that is there; else their
    content comes along, up to INLINE_BYTES in all. It ends early when there is something to read in `cancel`, which
    stays there.
    """
    if output_dir is None:
        return _Collection(scratch, wanted, None, Patience(cancel)).run(skip, program)
    try:
        target = open_folder(None, b"/", os.fsencode(output_dir))
    except OSError as error:  # the job could reach it, and put something else in its place
        return [], [(REST, f"{NOT_SAVED}: {output_dir}: {error.strerror}")]
    try:
        found, omitted = _Collection(scratch, wanted, target, Patience(cancel)).run(skip, program)
    finally:
        os.close(target)
    for each in found:
        each["saved_to"] = os.path.join(output_dir, os.fsdecode(each["path"]))
    return found, omitted


def known(scratch: int, *, cancel: int | None = None) -> dict[bytes, Identity]:
    """What each file looks like now, to know it again unchanged: what an earlier program left is no artifact.

    The modes stay as they are: another program is to run there. What can't be read, or not in time, isn't in it.
    """
    patience = Patience(cancel)
    seen: dict[bytes, Identity] = {}
    try:
        for number, (path, looks) in enumerate(walk(scratch)):
            patience.check()
            if number >= MOST_NAMES:
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

    def __init__(self, scratch: int, wanted: Artifacts, target: int | None, patience: Patience) -> None:
        self._scratch, self._wanted, self._target, self._patience = scratch, wanted, target, patience
        self._found: list[FoundArtifact] = []
        self._omitted: list[tuple[bytes, str]] = []
        self._made: set[bytes] = set()  # the folders of the target that are ours
        self._room, self._inline = wanted["max_bytes"], INLINE_BYTES

    def run(
        self, skip: dict[bytes, Identity], program: bytes | None
    ) -> tuple[list[FoundArtifact], list[tuple[bytes, str]]]:
        unnamed = 0
        try:
            for path, size, unfit in sorted(self._candidates(skip, program)):
                self._patience.check()
                reason = unfit or self._over(size) or self._take(path, size)
                if reason is not None and len(self._omitted) < _MOST_OMITTED:
                    self._omitted.append((path, reason))
                elif reason is not None:
                    unnamed += 1
        except StoppedError as stopped:
            self._omitted.append((REST, str(stopped)))
        if unnamed:
            self._omitted.append((REST, f"and {unnamed} more were left out"))
        return self._found, self._omitted

    def _candidates(
        self, skip: dict[bytes, Identity], program: bytes | None
    ) -> Iterator[tuple[bytes, int, str | None]]:
        """Path and size of what the globs name, and why it can't be taken, if that shows already."""
        matches = matcher(self._wanted["collect"])
        for number, (path, looks) in enumerate(walk(self._scratch, opening=True)):
            self._patience.check()
            if number >= MOST_NAMES:
                self._omitted.append((REST, f"there were more than {MOST_NAMES} names"))
                return
            if looks is None:
                yield path or REST, 0, "can't be entered, or lies too deep"  # whatever the globs say of what is in it
            elif path not in (program, _VALUE) and not stat.S_ISDIR(looks.st_mode) and matches(path):
                unfit = _KINDS.get(stat.S_IFMT(looks.st_mode))
                if path not in skip or not self._unchanged(path, looks, skip[path]):
                    yield path, looks.st_size, unfit

    def _unchanged(self, path: bytes, looks: os.stat_result, known: Identity) -> bool:
        if identity(looks, known[-1]) != known:
            return False
        return _checksum(self._scratch, path, looks, self._patience, opening=True) == known[-1]

    def _over(self, size: int) -> str | None:
        if len(self._found) >= self._wanted["max_files"]:
            return f"over artifacts.max_files ({self._wanted['max_files']})"
        return f"over artifacts.max_bytes ({self._wanted['max_bytes']})" if size > self._room else None

    def _take(self, path: bytes, size: int) -> str | None:
        """Hashes one file, and saves or keeps it; else says why not."""
        try:
            source = open_file(self._scratch, path, opening=True)
        except OSError as error:
            return f"can't be read: {error.strerror}"
        try:
            content_of = (piece for piece, _ in pieces(source, size, self._patience))
            if self._target is not None:
                size, digest = self._save(self._target, path, os.fstat(source).st_mode, content_of)
                content = None
            else:
                kept: list[bytes] | None = [] if size <= self._inline else None
                size, digest = _hash(content_of, kept.append if kept is not None else None)
                content = b"".join(kept) if kept is not None else None
        except FileExistsError:
            return f"{NOT_SAVED}: a file or a folder of that name is there already"
        except OSError as error:
            return f"{NOT_SAVED}: {error.strerror}"
        finally:
            os.close(source)
        self._room -= size
        self._inline -= len(content or b"")
        self._found.append({"path": path, "size_bytes": size, "sha256": digest, "content": content, "saved_to": None})
        return None

    def _save(self, target: int, path: bytes, mode: int, pieces: Iterator[bytes]) -> tuple[int, str]:
        folder = make_folders(target, os.path.dirname(path), None, self._made)
        name = os.path.basename(path)
        try:
            destination = os.open(name, NEW, 0o755 if mode & 0o100 else 0o644, dir_fd=folder)
            try:
                return _hash(pieces, lambda piece: write_all(destination, piece))
            except (OSError, StoppedError):
                os.unlink(name, dir_fd=folder)  # half a file is worse than none
                raise
            finally:
                os.close(destination)
        finally:
            os.close(folder)


def _hash(pieces: Iterator[bytes], give: Callable[[bytes], None] | None) -> tuple[int, str]:
    """Gives each piece on; returns the size of all, and their digest."""
    from hashlib import sha256  # 4 ms that a job without artifacts doesn't pay

    digest, size = sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        if give is not None:
            give(piece)
    return size, digest.hexdigest()
