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

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import PolicyError
from sandbox_cli.policy.guard import Guard

if TYPE_CHECKING:
    from sandbox_cli.policy.revision import Revision

SUFFIX = ".yaml"
SYSTEM = Path("/etc/sandbox")
BUILT_IN = Path(os.path.realpath(Path(__file__).parent.parent / "policies"))
ANYWHERE = 0  # the trust of a path: it may rest on all places
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+.-]*")
TESTS = ".test"  # python.test.yaml stands beside python.yaml, and is no policy


class Place(NamedTuple):
    """A folder of policies. `guarded` says whose a file must be that stands there."""

    where: str
    folder: Path
    trust: int
    guarded: Guard


class Found(NamedTuple):
    """A policy file; `trust` is the least that a place must have for a name that it extends."""

    path: Path
    trust: int
    guarded: Guard
    revision: Revision | None = None  # whose file it is; None: the one that stands there now


class Available(NamedTuple):
    """A policy that can be had by name, and the place that it comes from: system, user, built in."""

    name: str
    path: str
    where: str


def search_order() -> tuple[Place, ...]:
    return (
        Place("system", SYSTEM / "policies", 2, Guard.ROOT),
        Place("user", user_folder() / "policies", 1, Guard.OWN),
        # Whoever can write these can write this program.
        Place("built in", BUILT_IN, 2, Guard.NONE),
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


def is_policy_of_folder(name: str) -> bool:
    """Whether a file of that name counts where a folder is named whose policies are meant."""
    return is_policy_file(name) and not name.startswith(".") and not is_tests(name)


def is_tests(name: str) -> bool:
    """Whether a file of that name holds tests of the policy beside it."""
    return is_policy_file(name) and Path(name).stem.endswith(TESTS)


def is_name(text: str) -> bool:
    return NAME.fullmatch(text) is not None and ".." not in text and not text.endswith(TESTS)


def is_named(file: str) -> bool:
    """Whether a file of that name, in a folder of policies, can be had by name."""
    return file.endswith(SUFFIX) and is_name(file.removesuffix(SUFFIX))


def by_name(
    name: str, *, trust: int = ANYWHERE, beside: Path | None = None, revision: Revision | None = None
) -> Found | None:
    """The first file of that name in places that have at least `trust`, but for the file `beside`.

    Of a place that belongs to `revision`, it is the file of that revision.
    """
    for place in search_order():
        if place.trust < trust:
            continue
        folder, held = place.folder, None
        if revision is not None and revision.has_folder(folder):
            folder, held = Path(os.path.realpath(folder)), revision
        path = folder / (name + SUFFIX)
        found = held.exists(path) if held else is_there(path, place.guarded)
        if found and path != beside and (held or not _same(path, beside)):
            return Found(path, place.trust, place.guarded, held)
    return None


def by_path(
    path: Path, *, trust: int = ANYWHERE, guarded: Guard = Guard.NONE, revision: Revision | None = None
) -> Found:
    """A file given by its path, from one that has `trust`: what a place holds keeps the trust of that place."""
    try:
        absolute = Path(os.path.abspath(path))  # noqa: PTH100 (normal, but links are not followed)
    except OSError as error:
        hint = "the current directory is gone: give the whole path"
        raise PolicyError(f"the file can't be read: {error.strerror}", file=str(path), hint=hint) from None
    for place in search_order():
        if absolute.parent == place.folder or _same(absolute.parent, place.folder):
            return Found(absolute, max(trust, place.trust), max(guarded, place.guarded), revision)
    return Found(absolute, trust, guarded, revision)


def holds(file: Path) -> bool:
    """Whether the file stands in one of the places: the caller or the administrator put it there."""
    return any(file.parent == place.folder or _same(file.parent, place.folder) for place in search_order())


def is_there(path: Path, guarded: Guard) -> bool:
    """Whether something stands there. PolicyError where that can't be told of the system's: it would be passed over."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if guarded < Guard.ROOT:
            return False
        hint = f"every account must be able to look for it: chmod go+rx {path.parent}"
        message = f"it can't be told whether it is there: {error.strerror}"
        raise PolicyError(message, file=str(path), hint=hint) from None
    return True


def available() -> list[Available]:
    """Every policy that can be had by name, sorted; `_base` too."""
    found: dict[str, Available] = {}
    for place in search_order():
        for path in _files(place.folder):
            found.setdefault(path.stem, Available(path.stem, str(path), place.where))
    return [found[name] for name in sorted(found)]


def built_in() -> list[Path]:
    """The files of the shipped policies, whatever stands in for them on this machine."""
    return sorted(_files(BUILT_IN))


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if is_named(path.name)]
    except OSError:
        return []  # no such folder, or not for us to read: nothing there can be had by name


def _same(path: Path, other: Path | None) -> bool:
    try:
        return other is not None and path.samefile(other)
    except OSError:
        return False
