"""The policies of a git revision, which stand for the files of its working tree.

A policy there rests on the files of the same revision. A name is looked up as everywhere, and where the folder in
which it is found belongs to the revision, it is the revision's file that counts.
"""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.policy import git, places
from sandbox_cli.policy.layers import policy_layer
from sandbox_cli.policy.reading import CONTROL, ENOUGH, LARGEST, text_of

if TYPE_CHECKING:
    from sandbox_cli.policy.layers import Layer

PREFIX = "git:"
_FORM = "write git:REV:PATH, as in git:main:policies/lab.yaml; PATH begins at the top of the repository, or with ./"
_NO_FILE = {
    b"missing": "there is no such file",
    b"ambiguous": "there is no such file",
    b"tree": "it is a directory, not a file",
    b"dangling": "it is a link that leads nowhere",
    b"loop": "it is a link that leads nowhere",
    b"notdir": "there is no such file",
    b"symlink": "it is a link that leads out of the revision",
}


class _Entry(NamedTuple):
    kind: bytes  # blob, tree, or why it is neither
    name: str
    size: int


_NOTHING = _Entry(b"missing", "", 0)


class Revision:
    """The files of `rev` in the repository around `folder`, else in the caller's. UsageError where there is none."""

    def __init__(self, rev: str, folder: str | None = None) -> None:
        if not rev or CONTROL.search(rev):
            raise UsageError(f"{rev!r} is no revision", hint=_FORM)
        self.rev = rev
        self._folder = folder
        self.root = _root(folder)
        self._entries: dict[str, _Entry] = {}
        self._layers: dict[str, Layer] = {}
        found = self._look_up(f"{rev}^{{tree}}")
        if found.kind != b"tree":
            hint = "`git log --all --oneline` lists what is here; what isn't, `git fetch` brings"
            raise UsageError(f"there is no revision {rev!r} in this repository", hint=hint)
        self._tree = found.name

    def path(self, written: str) -> Path:
        """Where a path as git takes it lies: from the top of the repository or, with `./`, from here."""
        if not written or written.startswith("/") or CONTROL.search(written):
            raise UsageError(f"{written!r} is no path in a revision", hint=_FORM)
        relative = written.startswith(("./", "../"))
        here = Path(os.path.realpath("."))
        return _normal((here if relative and self.covers(here) else self.root) / written)

    def covers(self, path: Path) -> bool:
        """Whether `path` lies where the files of the revision do, be it there or not."""
        return _normal(path).is_relative_to(self.root)

    def has_folder(self, folder: Path) -> bool:
        """Whether that folder is one of the revision: what git ignores lies in the working tree as well."""
        real = Path(os.path.realpath(folder))
        return self.covers(real) and self._entry(real).kind == b"tree"

    def exists(self, path: Path) -> bool:
        return self._entry(path).kind not in {b"missing", b"notdir"}

    def shown(self, path: Path) -> str:
        """`git:REV:PATH`, as it can be given again."""
        return f"{PREFIX}{self.rev}:{self._relative(path)}"

    def layer(self, path: Path) -> Layer:
        """What the file says."""
        shown = self.shown(path)
        if shown not in self._layers:
            name = path.name.removesuffix(places.SUFFIX)
            self._layers[shown] = policy_layer(self._text(path, shown), shown, name)
        return self._layers[shown]

    def policies(self, folder: Path) -> list[Path]:
        """The files in `folder`, not in folders below it, that are policies by their name."""
        entry = self._entry(folder)
        if entry.kind != b"tree":
            return []
        answer = git.ask(self._folder, "ls-tree", "-z", "--name-only", "--full-tree", entry.name)
        if not answer.ok:
            raise git.refusal(answer)
        names = [os.fsdecode(name) for name in answer.said.split(b"\0") if name]
        return [folder / name for name in names if places.is_policy_of_folder(name)]

    def _text(self, path: Path, shown: str) -> str:
        entry = self._entry(path)
        if entry.kind != b"blob":
            hint = (
                f"`git ls-tree -r --name-only {self.rev}` lists what there is; a path from here begins with ./;"
                " --since takes new policies, too"
            )
            raise PolicyError(_NO_FILE.get(entry.kind, "it is not a file"), file=shown, hint=hint)
        if entry.size > LARGEST:
            raise PolicyError("the file is larger than 1 MiB", file=shown, hint=ENOUGH)
        answer = git.ask(self._folder, "cat-file", "blob", entry.name)
        if not answer.ok:
            raise git.refusal(answer)
        return text_of(answer.said, shown)

    def _entry(self, path: Path) -> _Entry:
        relative = self._relative(path)
        if relative not in self._entries:
            if CONTROL.search(os.fsencode(relative).decode(errors="replace")):  # git is asked line by line
                hint = "give it another name"
                raise PolicyError("the file's name holds a control character", file=self.shown(path), hint=hint)
            found = self._look_up(f"{self._tree}:{relative}")
            if found == _NOTHING and relative:
                self._check_that_it_is_here(path, relative)
            self._entries[relative] = found
        return self._entries[relative]

    def _check_that_it_is_here(self, path: Path, relative: str) -> None:
        """What a partial clone hasn't fetched is no file that isn't there."""
        if git.ask(self._folder, "rev-parse", "--verify", "--quiet", f"{self._tree}:{relative}").ok:
            hint = f"`git cat-file -e {self.rev}:{relative}` fetches it, where you trust the repository"
            raise UsageError(f"{self.shown(path)} is not in this partial clone", hint=hint)
        self._entry(path.parent)  # and is the folder here, which would know?

    def _relative(self, path: Path) -> str:
        relative = _normal(path).relative_to(self.root).as_posix()
        return "" if relative == "." else relative

    def _look_up(self, name: str) -> _Entry:
        """What git has of that name. Links are followed as far as the revision goes; a link out of it is told."""
        asked = os.fsencode(name) + b"\n"
        answer = git.ask(self._folder, "cat-file", "--batch-check", "--follow-symlinks", stdin=asked)
        if not answer.ok:
            raise git.refusal(answer)
        words = answer.said.split(b"\n")[0].split(b" ")
        if words[-1] in {b"missing", b"ambiguous"} or len(words) < 2:
            return _Entry(words[-1], "", 0)
        if len(words) == 2:  # "symlink 11", and the rest on a line of its own
            return _Entry(words[0], "", 0)
        return _Entry(words[1], words[0].decode(), int(words[2]))


def split(text: str) -> tuple[str, str]:
    """REV and PATH of `git:REV:PATH`: the first colon counts that stands in no braces (`HEAD^{/fix: this}:a.yaml`)."""
    rest, depth = text.removeprefix(PREFIX), 0
    for at, letter in enumerate(rest):
        depth += (letter == "{") - (letter == "}")
        if letter == ":" and depth == 0:
            return rest[:at], rest[at + 1 :]
    raise UsageError(f"{text!r} names a revision and no file", hint=_FORM)


def _root(folder: str | None) -> Path:
    """The top of the working tree; where there is none, as in a bare repository, a folder that isn't there.

    A tree without a `.git` is none: by its configuration a repository could call `/` its own, and give what stands in
    /etc/sandbox another meaning.
    """
    answer = git.ask(folder, "rev-parse", "--show-toplevel")
    root = os.fsdecode(answer.said.removesuffix(b"\n"))
    if answer.ok and os.path.lexists(os.path.join(root, ".git")):  # noqa: PTH118
        return Path(root)
    if answer.ok or "work tree" in answer.complaint:
        return Path(places.NOWHERE)
    raise git.refusal(answer)


def _normal(path: Path) -> Path:
    return Path(posixpath.normpath(path))
