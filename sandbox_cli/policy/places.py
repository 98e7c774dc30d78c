"""Whose policies there are, in which order they are looked up, and who is trusted by whom.

By name, the first of these wins: the system's, the user's, the built-in ones. Nothing is taken from the
current directory by name: an untrusted clone must not replace `python`.

A name in `extends` is looked up in the same order, but only in places that are trusted at least as much
as the file that says it: the system's and the built-in ones alike, the user's less. So no user can change
what a system policy rests on, and an administrator's `_base` tightens the built-in languages.
A file given by a path may extend names from anywhere, unless it stands in one of these places itself.
A file never extends itself: a user's `python` that extends `python` rests on the next one.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple

from sandbox_cli.errors import PolicyError

SUFFIX = ".yaml"
SYSTEM = Path("/etc/sandbox")
BUILT_IN = Path(os.path.realpath(Path(__file__).parent.parent / "policies"))
ANYWHERE = 0  # the trust of a path: it may rest on all places
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+.-]*")
_TESTS = ".test"  # python.test.yaml stands beside python.yaml, and is no policy
_MOST_LINKS = 40  # on the way to a file: the kernel follows no more
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Place(NamedTuple):
    """A folder of policies. `guarded`: as root, what others can write there is refused."""

    where: str
    folder: Path
    trust: int
    guarded: bool


class Found(NamedTuple):
    """A policy file; `trust` is the least that a place must have for a name that it extends."""

    path: Path
    trust: int
    guarded: bool


class Available(NamedTuple):
    """A policy that can be had by name, and the place that it comes from: system, user, built in."""

    name: str
    path: str
    where: str


def search_order() -> tuple[Place, ...]:
    return (
        Place("system", SYSTEM / "policies", 2, guarded=True),
        Place("user", user_folder() / "policies", 1, guarded=True),
        # Whoever can write these can write this program.
        Place("built in", BUILT_IN, 2, guarded=False),
    )


NOWHERE = "/nonexistent"


def user_folder() -> Path:
    """$XDG_CONFIG_HOME/sandbox. A relative one is ignored, as the XDG base directory specification asks.

    An account without a home has none, and never one in the current directory.
    """
    home = os.environ.get("XDG_CONFIG_HOME", "")
    if home.startswith("/"):
        return Path(home, "sandbox")
    user = os.path.expanduser("~")  # noqa: PTH111 (pathlib's raises for an account without a home)
    return Path(user if user.startswith("/") else NOWHERE, ".config", "sandbox")


def is_path(text: str) -> bool:
    return "/" in text or text.endswith(SUFFIX)


def is_policy_file(path: str) -> bool:
    """Whether it is called as policies are. What a policy leads to (`extends`, a link) must be: an error quotes what a
    file says, and a policy that somebody else wrote could lead to /etc/shadow."""
    return path.endswith((SUFFIX, ".yml"))


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and ".." not in text and not text.endswith(_TESTS)


def by_name(name: str, *, trust: int = ANYWHERE, beside: Path | None = None) -> Found | None:
    """The first file of that name in places that have at least `trust`, but for the file `beside`."""
    for place in search_order():
        path = place.folder / (name + SUFFIX)
        if place.trust >= trust and os.path.lexists(path) and not _same(path, beside):
            return Found(path, place.trust, place.guarded)
    return None


def by_path(path: Path, *, trust: int = ANYWHERE, guarded: bool = False) -> Found:
    """A file given by its path, from one that has `trust`: what a place holds keeps the trust of that place."""
    try:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 (normal, but links are not followed)
    except OSError as error:
        hint = "the current directory is gone: give the whole path"
        raise PolicyError(f"the file can't be read: {error.strerror}", file=str(path), hint=hint) from None
    for place in search_order():
        if absolute.parent == place.folder or _same(absolute.parent, place.folder):
            return Found(absolute, max(trust, place.trust), guarded or place.guarded)
    return Found(absolute, trust, guarded)


def available() -> list[Available]:
    """Every policy that can be had by name, sorted; `_base` too."""
    found: dict[str, Available] = {}
    for place in search_order():
        for path in _files(place.folder):
            found.setdefault(path.stem, Available(path.stem, str(path), place.where))
    return [found[name] for name in sorted(found)]


def guard(path: Path, status: os.stat_result) -> None:
    """As root, refuses a file that somebody else could have written, or put where it is."""
    if os.geteuid() != 0:
        return
    _refuse_foreign(path, path, status)
    try:
        for folder in folders(path):
            _refuse_foreign(path, folder, folder.stat())
    except OSError as error:
        raise PolicyError(f"{error.filename} can't be examined: {error.strerror}", file=str(path)) from None


def folders(path: Path) -> set[Path]:
    """Every folder on the way to a file that is there, also by the links on it: who can write one chooses the file.
    Raises OSError where the way is another one meanwhile, and leads nowhere."""
    passed, at, left = {Path("/")}, Path("/"), list(reversed(path.parts[1:]))
    links = 0
    while left:
        name = left.pop()
        if name == "..":
            at = at.parent
        elif (at / name).is_symlink():
            links += 1
            if links > _MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
            target = (at / name).readlink()
            at = Path("/") if target.is_absolute() else at
            left += [part for part in reversed(target.parts) if part != "/"]
        else:
            at = at / name
            passed |= {at} if left else set()
    return passed


def _refuse_foreign(path: Path, what: Path, status: os.stat_result) -> None:
    # In a sticky folder nobody can rename or remove what is another's.
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_uid == 0 and (sticky or not status.st_mode & _OTHERS_WRITE):
        return
    subject = "it" if what == path else str(what)
    raise PolicyError(
        f"others than root can change {subject}, so root does not use it",
        file=str(path),
        hint=f"chown root:root {what} && chmod go-w {what}",
    )


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix == SUFFIX and is_name(path.stem)]
    except OSError:
        return []  # no such folder, or not for us to read: nothing there can be had by name


def _same(path: Path, other: Path | None) -> bool:
    try:
        return other is not None and path.samefile(other)
    except OSError:
        return False
