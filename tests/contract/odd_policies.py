"""A dozen policies as nobody writes them, each with the host's files that it needs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.accounts import AS_ROOT, tester

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = ("a b", "it's", "été 日本", "$HOME", "-x", "a:b=c", "~", "(x)|y`", "x]@+")
ODD_TO_FIREJAIL = ('"q"', "back\\slash", "c,d", "p%q", "# x", "};", "two  blanks", "end ", "*", "?", "[a]", "!")

ODD_VALUES = {
    "QUOTES": "'\"`", "BACKSLASH": "a\\nb\\", "DOLLAR": "$HOME ${PATH} $(id)", "EMPTY": "", "BLANKS": "  a  b  ",
    "UNICODE": "été 日本 🐧", "EQUALS": "a=b=c", "PERCENT": "%s%n{0}", "a.b-c d": "an odd name", "LONG": "x" * 60_000,
    "HERE": "{{ scratch }}/x", "PATH": "/usr/bin", "LANG": "C", "LD_PRELOAD": "",
}  # fmt: skip
TINY = {
    "wall_time": "5s", "cpu_time": "1500ms", "memory": "64MiB", "processes": "1", "open_files": "5", "file_size": "1B",
    "scratch_size": "1B", "scratch_files": "1", "tmp_size": "1B", "output": "200kB",
}  # fmt: skip

HUGE = {
    "wall_time": "1000000000s", "cpu_time": "1000000000s", "memory": f"{1 << 62}B", "processes": "2147483647",
    "open_files": "2147483647", "file_size": f"{1 << 62}B", "scratch_size": f"{1 << 62}B",
    "scratch_files": "2147483647",
    "tmp_size": f"{1 << 62}B", "output": f"{1 << 62}B",
}  # fmt: skip

Mounts = dict[str, Any]


@dataclass(frozen=True)
class Odd:
    """`mounts` makes what it needs below a directory and returns the clause `filesystem`; `closed` are those of its
    paths that firejail can't show."""

    name: str
    mounts: Callable[[Path], Mounts] = lambda tree: {}
    closed: Callable[[Path], set[str]] = lambda tree: set()
    clauses: dict[str, Any] = field(default_factory=dict)

    def write(self, tree: Path) -> Path:
        """The policy, in the tree. JSON is YAML too, and quotes everything."""
        path = tree / "policy.yaml"
        clauses = {"version": 1, "extends": "command", "filesystem": self.mounts(tree), **self.clauses}
        path.write_text(json.dumps(clauses, ensure_ascii=False))
        return path

    def refused(self, tree: Path) -> set[str]:
        """The clauses that firejail refuses. /var/tmp, where the suite of an ordinary user works, is its own."""
        paths = self.closed(tree)
        if str(tree).startswith("/var/tmp/"):
            paths |= {path for path in self.mounts(tree) if path.startswith(f"{tree}/")}
        return {f"filesystem.{path}" for path in paths}


def folder(path: Path, *, mode: int = 0o755) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return given(path, mode)


def file(path: Path, *, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("of the host")
    return given(path, mode)


def given(path: Path, mode: int) -> Path:
    """The account's own, since firejail opens nothing else for writing; root's jobs have another, and need the mode."""
    path.chmod(mode)
    if AS_ROOT:
        os.chown(path, tester().pw_uid, tester().pw_gid)
    return path


def at(source: Path, mode: str = "ro") -> Mounts:
    return {"from": str(source), "mode": mode}


def names(*given: str) -> Callable[[Path], Mounts]:
    return lambda tree: {str(folder(tree / "names" / name)): "ro" for name in given}


def nested(tree: Path) -> Mounts:
    return {
        str(folder(tree / "shared", mode=0o777)): "rw",
        str(folder(tree / "shared/kept", mode=0o777)): "ro",
        str(folder(tree / "shown", mode=0o777)): "ro",
        str(folder(tree / "shown/open", mode=0o777)): "rw",
        str(folder(tree / "shown/open/shut", mode=0o777)): "ro",
    }


def elsewhere(tree: Path) -> Mounts:
    return {
        "/data": at(folder(tree / "a")),
        "/deep/er/and/deeper": at(folder(tree / "b", mode=0o777), "rw"),
        "/deep/er/name.txt": at(file(tree / "c.txt")),
        "/été 日本/'\"\\": at(folder(tree / "a")),
    }


def tmpfs(tree: Path) -> Mounts:
    folder(tree / "shown/cache")
    return {
        "/tmp/inner": "tmpfs",
        "/tmp/inner/most": "tmpfs",
        "/tmp/shown": at(folder(tree / "in-tmp")),
        "/var/cache/x": "tmpfs",
        "/data": at(tree / "shown"),
        "/data/cache": "tmpfs",
        "/usr/local": "tmpfs",
    }


def links(tree: Path) -> Mounts:
    return {
        "/etc/os-release": {"symlink": "../usr/lib/os-release"},
        "/opt/here": {"symlink": "/usr/bin"},
        "/opt/nowhere": {"symlink": "a b/'\"\\"},
        "/bin": {"symlink": "usr/bin"},
    }


def files(tree: Path) -> Mounts:
    return {str(file(tree / "one.txt")): "ro", str(file(tree / "two.txt", mode=0o666)): "rw"}


def through_links(tree: Path) -> Mounts:
    """The host's own links, as sources and in the way."""
    folder(tree / "real/inner")
    for name, target in {"link": "real", "file": "real.txt"}.items():
        (tree / name).unlink(missing_ok=True)
        (tree / name).symlink_to(target)
    return {"/a": at(tree / "link"), "/b": at(tree / "link/inner"), "/c": at(file(tree / "real.txt").parent / "file")}


def root(tree: Path) -> Mounts:
    """The root of a small system, which has no /usr of its own."""
    for name in ("proc", "dev", "sys", "tmp", "sandbox", "usr", "empty", "var/lib"):
        folder(tree / "root" / name)
    for name in ("data/file", "top.txt"):
        file(tree / "root" / name)
    for name, target in {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64", "odd": "nowhere"}.items():
        (tree / "root" / name).unlink(missing_ok=True)
        (tree / "root" / name).symlink_to(target)
    return {"/": at(tree / "root"), "/usr": "ro"}


def closed(tree: Path) -> Mounts:
    """Root's job can't get there by itself."""
    mounts = {str(folder(tree / "closed/inner")): "ro", str(folder(tree / "closed/open", mode=0o777)): "rw"}
    (tree / "closed").chmod(0o700)
    os.chown(tree / "closed", tree.stat().st_uid, tree.stat().st_gid)
    return mounts


ODD = [
    Odd("odd names", names(*PLAIN)),
    Odd(
        "names that firejail can't write",
        names(*ODD_TO_FIREJAIL),
        lambda t: {f"{t}/names/{n}" for n in ODD_TO_FIREJAIL},
    ),
    Odd("single files", files),
    Odd("ro in rw and rw in ro", nested),
    Odd("at another path", elsewhere, lambda tree: set(elsewhere(tree))),
    Odd("tmpfs under tmpfs", tmpfs, lambda tree: set(tmpfs(tree))),
    Odd("links", links, lambda tree: {"/opt/here", "/opt/nowhere"}),
    Odd("through links", through_links, lambda tree: {"/a", "/b", "/c"}),
    Odd("whole folders of the host", lambda tree: {"/mnt": "ro", "/srv": "ro", "/media": "ro"}),
    Odd("what is missing", lambda tree: {"/no/such": {"from": "/no/such", "mode": "ro", "optional": True}}),
    Odd("no temporary files", lambda tree: {"/tmp": None}),
    Odd("the host's network", clauses={"network": "host"}),
    Odd("a whole root", root, lambda tree: {"/data", "/empty", "/top.txt", "/var", "/odd"}),
    Odd("the whole of etc", lambda tree: {"/etc": "ro"}),
    Odd("in a closed folder", closed, lambda tree: set() if tree.stat().st_uid else set(closed(tree))),
    Odd("odd values", clauses={"environment": ODD_VALUES}),
    Odd("tiny limits", clauses={"limits": TINY}),
    Odd("huge limits", clauses={"limits": HUGE}),
    Odd("no limits", clauses={"limits": dict.fromkeys({*TINY} - {"wall_time"})}),
]
