"""What git obeys in a directory that a job may write: its hooks, its configuration, and what leads to others of either.

Whoever runs git there next, a shell's prompt included, runs what they say, and outside of any jail. So they stay as
they are: read-only mounts stand on them, and every folder above one, up to the directory, is a mount point too, which
can't be moved away. The rest of the repository is the job's to write.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import RefusedError
from sandbox_cli.plan.limits import by_option
from sandbox_cli.policy.model import Mount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Mounts = dict[str, Mount]

_OBEYED = ("hooks", "config", "config.worktree", "commondir")
_CONFIGS = ("config", "config.worktree")
_OF_HOME = (".gitconfig", ".config/git/config")
_OTHERS = ("modules", "worktrees")  # they hold repositories with all of that; new ones are the job's own
_BARE = ("HEAD", "objects", "refs")
# What a configuration says of other files: core.hooksPath, whose place is told from the top, and include.path.
# Each part stays within its line: a job may have written the file, and must not be able to make it slow to read.
_SAYS = re.compile(
    r'^[^\S\n]*(?:\[[^\]\n]*\][^\S\n]*)?(hookspath|path)[^\S\n]*=[^\S\n]*"?([^"\n#;]+)', re.IGNORECASE | re.MULTILINE
)
_MOST_GUARDED = 1000  # mounts; bwrap takes 9000 arguments in all
_MOST_CONFIG = 1 << 20
_READ_IT = "show the directory read-only: -C DIR:ro"


def guarded(directory: Path, homes: Iterable[Path] = ()) -> tuple[Mounts, list[str]]:
    """The mounts that guard the repository of a directory, and the paths that would need one and aren't there.

    `homes` are of those who may run git there next: what they say for all repositories holds in this one, too.
    """
    mounts: Mounts = {}
    unwanted: list[str] = []
    own = [Path("/etc/gitconfig"), *(Path(os.path.realpath(home / name)) for home in homes for name in _OF_HOME)]
    for path in _guarded(directory, [each for each in own if os.access(each, os.R_OK)]):  # a home may be closed to us
        _guard(directory, path, mounts, unwanted)
        if len(mounts) + len(unwanted) > _MOST_GUARDED:
            raise _refused(directory, f"holds more than {_MOST_GUARDED} files and folders that git obeys")
    return mounts, unwanted


def _guarded(directory: Path, own: list[Path]) -> Iterator[Path]:
    pointer = directory / ".git"
    kind = _kind(pointer)
    missing = [name for name in _BARE if _kind(directory / name) is None]
    if kind == stat.S_IFREG:  # of a worktree or a submodule: it says where the repository is
        target = _text(pointer).removeprefix("gitdir:").strip()
        repository = Path(os.path.normpath(directory / target))
        if repository.is_relative_to(directory):
            raise _refused(pointer, f"leads to {target}, a repository within {directory}, which a job could change")
        yield pointer
        yield from _named_elsewhere(directory, repository)
    elif kind is not None:  # a link is refused when it is guarded
        yield from _of_repository(directory, pointer)
        # Without its HEAD .git is no repository, and git asks whether the directory itself is one.
        yield from (directory / name for name in missing[:1])
    if not missing:
        yield from _of_repository(directory, directory)
    if kind is not None or not missing:
        yield from _named(directory, own)


def _of_repository(directory: Path, repository: Path) -> Iterator[Path]:
    yield from (repository / name for name in _OBEYED)
    yield from (repository / name for name in _OTHERS if _kind(repository / name) is not None)
    yield from _named(directory, [repository / name for name in _CONFIGS])


def _named_elsewhere(directory: Path, repository: Path) -> Iterator[Path]:
    """What a repository that the job isn't shown names within the directory. A worktree's shares most with others."""
    shared = Path(os.path.normpath(repository / _text(repository / "commondir").strip()))
    yield from _named(directory, [shared / "config", repository / "config.worktree"])


def _named(directory: Path, configs: list[Path]) -> Iterator[Path]:
    """What configurations name within the directory, and what those that they include name."""
    pending, seen = [*configs], set(configs)
    while pending:
        config = pending.pop(0)
        for key, named in _SAYS.findall(_text(config)):
            is_hooks = key.lower() == "hookspath"
            path = Path(os.path.normpath((directory if is_hooks else config.parent) / named.strip()))
            inside = path.is_relative_to(directory) and not named.startswith("~")
            if not inside or path in seen or path in {directory, directory / ".git"}:
                continue
            yield path
            seen.add(path)
            pending += [] if is_hooks else [path]


def _guard(directory: Path, path: Path, mounts: Mounts, unwanted: list[str]) -> None:
    """Pins the folders on the way to `path` and makes it read-only; notes the first part that is missing."""
    each = directory
    for name in path.relative_to(directory).parts:
        each /= name
        kind = _kind(each)
        if kind == stat.S_IFLNK:
            raise _refused(each, "is a symbolic link, for which a job could put another")
        if kind is None:
            if str(each) not in unwanted:
                unwanted.append(str(each))
            return
        if each == path:
            mounts[str(each)] = Mount(mode="ro", source=str(each))
        elif str(each) not in mounts:
            mounts[str(each)] = Mount(mode="rw", source=str(each))


def _kind(path: Path) -> int | None:
    """S_IFREG and its like; None: there is nothing."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL is in no name
        return None
    except OSError as error:
        raise _refused(path, f"can't be looked at: {error.strerror}") from None


def _text(path: Path) -> str:
    if _kind(path) != stat.S_IFREG:
        return ""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(fd, _MOST_CONFIG).decode("utf-8-sig", errors="replace")
        finally:
            os.close(fd)
    except OSError as error:
        raise _refused(path, f"can't be read: {error.strerror}") from None


def _refused(path: Path, why: str) -> RefusedError:
    return RefusedError(f"{path} {why}", hint=_READ_IT, blame=by_option("workspace"))
