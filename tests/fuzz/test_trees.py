"""Whatever tree a job leaves, it is walked, collected and removed: each file once, as it is, and nothing outside."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as some

from sandbox_cli.run import artifacts, scratch, tree
from tests.contract.test_random_jails import few

if TYPE_CHECKING:
    from pathlib import Path

NAMES = some.binary(min_size=1, max_size=10).map(
    lambda name: name.replace(b"/", b"\\").replace(b"\0", b"0")
) | some.sampled_from(
    [
        b"...",
        b"-rf",
        b" ",
        b"\n",
        b"\xff\xfe",
        b"a" * 255,
        "é".encode(),
        b"*",
        b".sandbox-value",
        b"~",
        b"\x1b[31m",
        b"con",
        b"x.png",
    ]
)
KINDS = (
    "file",
    "file",
    "file",
    "sparse",
    "huge",
    "folder",
    "closed",
    "link",
    "fifo",
    "socket",
    "hard",
    "deep",
    "unreadable",
)
SIZES = {"file": 0, "unreadable": 0, "sparse": 1 << 20, "huge": 1 << 40}
TARGETS = (b"/etc/passwd", b"..", b".", b"../../outside", b"nowhere", b"/proc/self/root", b"x" * 4000)


@dataclass(frozen=True)
class Thing:
    kind: str
    name: bytes
    content: bytes
    inside: int  # which of the folders made so far
    target: bytes


THINGS = some.lists(
    some.builds(Thing, some.sampled_from(KINDS), NAMES, some.binary(max_size=200), some.integers(0, 20),
    some.sampled_from(TARGETS)),
    max_size=25,
)  # fmt: skip


def make(top: bytes, things: list[Thing]) -> None:
    """What can't be made (a name that is taken, `..`) is left out."""
    folders, files, closed = [top], list[bytes](), list[bytes]()
    for thing in things:
        path = folders[thing.inside % len(folders)] + b"/" + thing.name
        with suppress(OSError):
            _make(path, thing, folders, files)
            if thing.kind == "closed":
                closed.append(path)
    for path in reversed(closed):
        os.chmod(path, 0)


def _make(path: bytes, thing: Thing, folders: list[bytes], files: list[bytes]) -> None:
    if thing.kind in {"folder", "closed"}:
        os.mkdir(path)
        folders.append(path)
    elif thing.kind == "deep":
        for _ in range(len(thing.content)):
            os.mkdir(path)
            folders.append(path)
            path += b"/" + thing.name[:9]
    elif thing.kind == "link":
        os.symlink(thing.target, path)
    elif thing.kind == "fifo":
        os.mkfifo(path)
    elif thing.kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
    elif thing.kind == "hard" and files:
        os.link(files[thing.inside % len(files)], path)
    elif thing.kind in SIZES:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(fd, thing.content)
        os.ftruncate(fd, max(len(thing.content), SIZES[thing.kind]))
        os.fchmod(fd, 0 if thing.kind == "unreadable" else 0o600)
        os.close(fd)
        files.append(path)


def regular(top: bytes) -> dict[bytes, bytes]:
    """The regular files and their content, as the standard library finds them; what is huge is left out."""
    found: dict[bytes, bytes] = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            looks = os.lstat(path)
            if stat.S_ISREG(looks.st_mode) and looks.st_size < 1 << 30:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, top)] = file.read()
    return found


@few
@given(things=THINGS, saving=some.booleans())
def test_an_odd_tree_is_collected_file_by_file_and_removed(things: list[Thing], saving: bool, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    (tmp_path / "outside").write_text("of the host")
    (tmp_path / "out").mkdir()
    top = os.fsencode(tmp_path / "job" / "scratch")
    os.makedirs(top)
    make(top, things)
    fd = os.open(top, tree.FOLDER)
    try:
        wanted: Any = {"collect": ["**"], "max_files": 1000, "max_bytes": 64 << 20}
        found, omitted = artifacts.collect(fd, wanted, {}, None, str(tmp_path / "out") if saving else None)
        told = [path for path, _ in omitted]
        expected = {
            path: content for path, content in regular(top).items() if path != b".sandbox-value" and path not in told
        }
        assert {each["path"]: each["sha256"] for each in found} == {
            path: sha256(content).hexdigest() for path, content in expected.items()
        }
        assert len({each["path"] for each in found} | set(told)) == len(found) + len(told)
        if saving:
            assert regular(os.fsencode(tmp_path / "out")) == expected
        else:
            assert {each["path"]: each["content"] for each in found} == expected
    finally:
        os.close(fd)
    assert scratch.remove_tree(str(tmp_path / "job"), ours=True)
    assert not (tmp_path / "job").exists()
    assert (tmp_path / "outside").read_text() == "of the host"
