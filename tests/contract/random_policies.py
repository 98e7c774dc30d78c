"""Policies that nobody would write, made by hypothesis: valid by construction, odd by choice.

A `Wish` says what is asked for, without touching the host; `made` puts the files there and returns the policy's text.
What such a policy means is told by picture.py, as for every other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as some

from tests.contract.odd_policies import ODD_TO_FIREJAIL, PLAIN, file, folder

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

ODD_NAMES = (
    *PLAIN, *ODD_TO_FIREJAIL, "...", "..a", "a..", ".", ".hidden", "--", "-", "--bind", "{", "}", "}}", "{ {", "%s",
    "%%",
    "${HOME}", "$(id)", "`id`", "\\", "\\n", "\\134", "\\040x", "'", '"', "<>", "|", "&", ";", "#", "^", "~root", "=",
    ":", ",",
    "\u202eltr", "\ufeff", "e\u0301", "\u00a0", "\U0001f427", "null", "true", "ro", "0", "x" * 255, "é" * 127,
    "a\u200db", "/",
)  # fmt: skip
# Roots in the jail for what has no place on the host; "" is the jail's own root.
PLACES = ("", "/opt", "/etc", "/tmp", "/var/cache", "/srv/a/b", "/home", "/run", "/mnt")
TEMPLATES = ("{{", "{%", "{#")  # refused in every value

SIZES = ("4KiB", "1MiB", "1GiB", "4TiB", f"{1 << 62}B")
LIMITS = {
    "wall_time": ("20s", "1h", "99999999.999s", "1000000000s"),
    "cpu_time": ("3s", "2500ms", "1d", "999999999.5s", "1000000000s"),
    "memory": ("96MiB", "999999999B", *SIZES[2:]),
    "processes": ("1", "2", "65", "4194304", "2147483647"),
    "open_files": ("5", "6", "1024", "1048576", "2147483647"),
    "file_size": ("0B", "1B", "4097B", *SIZES),
    "scratch_size": ("1B", "4095B", "4097B", *SIZES),
    "scratch_files": ("1", "2", "1000", "2147483647"),
    "tmp_size": ("1B", "4095B", "4097B", *SIZES),
    "output": ("1MiB", "999999999kB", *SIZES[2:]),
}

Kind = str  # ro | rw | tmpfs | link | missing


@dataclass(frozen=True)
class Place:
    """A mount, and those below it. `here`: it stands where its source does on the host, or in the source around it."""

    name: str
    kind: Kind
    here: bool = True
    is_file: bool = False
    target: str = "nowhere"
    place: str = ""
    below: tuple[Place, ...] = ()
    noexec: bool = False


@dataclass(frozen=True)
class Wish:
    """A whole job: its policy, and what comes with the job itself, as bytes."""

    places: tuple[Place, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str | None] = field(default_factory=dict)
    network: str = "none"
    given: dict[bytes, bytes] = field(default_factory=dict)
    arguments: tuple[bytes, ...] = ()

    def made(self, tree: Path) -> tuple[str, dict[str, Any]]:
        """The policy's text and its mounts, with what they need on the host."""
        mounts: dict[str, Any] = {}
        _Making(tree, mounts).all(self.places)
        clauses: dict[str, Any] = {"version": "1", "extends": "command", "network": self.network}
        clauses |= {"filesystem": mounts, "environment": self.environment, "limits": self.limits}
        return yaml({key: value for key, value in clauses.items() if value != {}}), mounts


class _Making:
    """Puts on the host what the mounts show, and writes them down."""

    def __init__(self, tree: Path, mounts: dict[str, Any]) -> None:
        self.tree, self.mounts = tree, mounts
        self.writable: list[tuple[Path, str]] = []  # sources that a job may write, and where they stand

    def all(self, places: tuple[Place, ...]) -> None:
        for each in places:
            stands = self.tree / "here" / each.name
            path = str(stands) if each.here and each.kind in {"ro", "rw"} else f"{each.place}/{each.name}"
            self._put(each, path, stands if each.here else None)

    def _put(self, each: Place, path: str, source: Path | None) -> None:
        if path in self.mounts or len(os.fsencode(path)) > 3000:
            return
        if each.kind == "link":
            self.mounts[path] = {"symlink": each.target}
        elif each.kind == "missing":
            self.mounts[path] = {"from": f"{self.tree}/missing/{each.name}", "mode": "ro", "optional": True}
        elif each.kind == "tmpfs":
            self.mounts[path] = {"mode": "tmpfs", "noexec": True} if each.noexec else "tmpfs"
            self._below(each, path, None)
        else:
            self._bind(each, path, source)

    def _bind(self, each: Place, path: str, source: Path | None) -> None:
        if source is None:
            source = self.tree / f"from-{len(self.mounts)}" / each.name
        mode = 0o777 if each.kind == "rw" else 0o755
        (file if each.is_file else folder)(source, mode=mode if not each.is_file else mode & 0o666)
        self.mounts[path] = {"from": str(source), "mode": each.kind, "noexec": each.noexec}
        if str(source) == path and not each.noexec:
            self.mounts[path] = each.kind
        if each.kind == "rw":
            self.writable.append((source, path))
        if not each.is_file:
            self._below(each, path, source)

    def _below(self, each: Place, path: str, source: Path | None) -> None:
        """In a folder of the host a mount stands only where something is already, and never a link."""
        for inner in each.below:
            if source is None:
                self._put(inner, f"{path}/{inner.name}", None)
            elif inner.kind not in {"link", "missing"}:
                point = source / inner.name
                if inner.here and self._is_swappable(point, f"{path}/{inner.name}"):
                    continue
                (file if inner.is_file and inner.kind != "tmpfs" else folder)(point)
                self._put(inner, f"{path}/{inner.name}", point if inner.here else None)

    def _is_swappable(self, source: Path, path: str) -> bool:
        """Whether a job could put a link in its place, which is refused: it lies in what the job may write."""
        return any(
            outer in source.parents and (len(source.relative_to(outer).parts) > 1 or path != f"{at}/{source.name}")
            for outer, at in self.writable
        )


def yaml(value: Any) -> str:
    """With everything quoted and escaped, and keys of any length."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"? {yaml(key)} : {yaml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    safe = (char if " " <= char < "\x7f" and char not in '"\\' else f"\\U{ord(char):08X}" for char in value)
    return f'"{"".join(safe)}"'


def _is_text(text: str) -> bool:
    return not any(each in text for each in TEMPLATES)


def _is_name(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and len(name.encode()) <= 255 and _is_text(name)


_CHARACTERS = some.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
_TEXT = (some.text(_CHARACTERS, max_size=30) | some.sampled_from(["{{ scratch }}/x", "x" * 60_000])).filter(
    lambda text: _is_text(text.replace("{{ scratch }}", ""))
)
_TAKEN = {*os.listdir("/"), "proc", "dev", "sys", "sandbox"}
_NAMES = (some.sampled_from(ODD_NAMES) | some.text(_CHARACTERS, min_size=1, max_size=12)).filter(
    lambda name: _is_name(name) and name not in _TAKEN
)
_PLAIN_NAMES = some.sampled_from(PLAIN) | some.text("abcXYZ019._-+=@$'`|() é日", min_size=1, max_size=12).filter(
    lambda name: _is_name(name) and ".." not in name and "  " not in name and not name.endswith(" ")
)
_BYTES = some.binary(max_size=40).map(lambda data: data.replace(b"\0", b"\xff"))
# What would end the program that looks around, and not show what it found.
_HARMFUL = ("SANDBOX_VALUE", "LD_", "GLIBC_", "PYTHON", "MALLOC_")


def _unique(places: list[Place]) -> tuple[Place, ...]:
    """The first of each name: siblings must not hide or hold one another."""
    return tuple({each.name: each for each in reversed(places)}.values())


def _places(
    names: SearchStrategy[str], kinds: tuple[Kind, ...], here: SearchStrategy[bool], noexec: Any, depth: int = 3
) -> Any:
    """Mounts in mounts, most of them near the top."""
    below = _places(names, kinds, here, noexec, depth - 1) if depth else some.just(())
    targets = some.sampled_from(["/usr/bin", "../x", "a b/'\"\\", "nowhere", "."]) | names
    place = some.builds(
        Place, names, some.sampled_from(kinds), here, some.booleans(), targets, some.sampled_from(PLACES), below, noexec
    )
    return some.lists(place, min_size=int(depth == 3), max_size=2 + depth).map(_unique)


def _is_variable(name: str) -> bool:
    """A + at the begin of a policy's key appends to a list."""
    return bool(name) and "=" not in name and not name.startswith((*_HARMFUL, "+"))


def _without_blank_limits(limits: dict[str, str | None]) -> dict[str, str | None]:
    """A job without any bound on its time is bounded by the test's own patience alone."""
    return {name: value for name, value in limits.items() if value is not None or name != "wall_time"}


def wishes(*, calm: bool = False) -> SearchStrategy[Wish]:
    """`calm`: of what every jailer can show, firejail too."""
    rarely = some.sampled_from([False] * 9 + [True])
    odd = _places(_NAMES, ("ro", "rw", "tmpfs", "link", "missing"), some.booleans(), rarely)
    plain = _places(_PLAIN_NAMES, ("ro", "rw"), some.just(True), some.just(False))
    wide = some.lists(some.builds(Place, _NAMES, some.sampled_from(["ro", "rw"])), min_size=20, max_size=40).map(
        _unique
    )
    limits = {name: some.none() | some.sampled_from(values) for name, values in LIMITS.items()}
    variable = some.text(_CHARACTERS, min_size=1, max_size=12).filter(
        lambda name: _is_variable(name) and _is_text(name)
    )
    given = _BYTES.filter(
        lambda name: name and b"=" not in name and not name.startswith(tuple(map(str.encode, _HARMFUL)))
    )
    return some.builds(
        Wish,
        plain if calm else odd | odd | wide,
        some.dictionaries(variable | some.sampled_from(["PATH", "HOME", "LANG", "LC_ALL"]), _TEXT, max_size=6),
        some.fixed_dictionaries({}, optional=limits).map(_without_blank_limits),
        some.sampled_from(["none", "none", "host"]),
        some.dictionaries(given | some.sampled_from([b"HOME", b"LANG"]), _BYTES, max_size=6),
        some.lists(_BYTES | some.sampled_from([b"", b"--", b"-c", b"x" * 100_000]), max_size=8).map(tuple),
    )
