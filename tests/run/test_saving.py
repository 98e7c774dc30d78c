"""Files into a directory of the caller's: whole, below it, and over what is there only where that was asked for."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run import artifacts, saving, tree
from tests.run.test_artifacts import ALL, TAKEN, paths

HIDDEN = "can't be saved: it is there already, and --force leaves what is hidden alone"
Saved = tuple[list[bytes], list[tuple[bytes, str]]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def target(out: Path) -> Iterator[saving.Target]:
    top = os.open(out, tree.FOLDER)
    yield saving.Target(top, force=False)
    os.close(top)


@pytest.fixture
def save(fd: int, out: Path) -> Callable[[bool], Saved]:
    def collect(force: bool) -> Saved:
        found, omitted = artifacts.collect(fd, ALL, {}, None, str(out), force=force)
        return paths(found), omitted

    return collect


def make(top: Path, **files: str) -> None:
    for name, text in files.items():
        path = top / name.replace("__", "/").replace("dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_force_replaces_files_and_enters_folders(scratch: Path, out: Path, save: Callable[[bool], Saved]) -> None:
    make(scratch, old="new", plots__a="new", plots__deep__b="new")
    make(out, old="mine", plots__a="mine", plots__deep__other="mine")
    assert save(False) == ([], [(name, TAKEN) for name in (b"old", b"plots/a", b"plots/deep/b")])
    assert save(True) == ([b"old", b"plots/a", b"plots/deep/b"], [])
    assert {(out / name).read_text() for name in ("old", "plots/a", "plots/deep/b")} == {"new"}
    assert (out / "plots/deep/other").read_text() == "mine"


def test_force_leaves_what_is_hidden_alone(scratch: Path, out: Path, save: Callable[[bool], Saved]) -> None:
    make(scratch, dot_bashrc="new", dot_git__hooks__pre_commit="new", dot_new="new", plots__dot_x="new")
    make(out, dot_bashrc="mine", dot_git__config="mine", plots__dot_x="mine")
    saved, omitted = save(True)
    assert saved == [b".new"]
    assert omitted == [(name, HIDDEN) for name in (b".bashrc", b".git/hooks/pre_commit", b"plots/.x")]
    assert list((out / ".git").iterdir()) == [out / ".git" / "config"]


def test_force_replaces_a_link_and_not_what_it_leads_to(
    scratch: Path, out: Path, tmp_path: Path, save: Callable[[bool], Saved]
) -> None:
    (tmp_path / "precious").write_text("mine")
    (out / "x").symlink_to(tmp_path / "precious")
    make(scratch, x="new")
    assert save(False) == ([], [(b"x", TAKEN)])
    assert save(True) == ([b"x"], [])
    assert (tmp_path / "precious").read_text() == "mine"
    assert (out / "x").read_text() == "new"
    assert not (out / "x").is_symlink()


def test_force_replaces_no_folder_and_goes_through_no_link_to_one(
    scratch: Path, out: Path, tmp_path: Path, save: Callable[[bool], Saved]
) -> None:
    (tmp_path / "outside").mkdir()
    (out / "link").symlink_to(tmp_path / "outside")
    (out / "full").mkdir()
    (out / "full" / "kept").touch()
    (out / "empty").mkdir()
    (out / "file").touch()
    make(scratch, link__x="new", full="new", empty="new", file__x="new")
    saved, omitted = save(True)
    assert saved == []
    assert [reason.removeprefix("can't be saved: ") for _, reason in omitted] == [
        "a folder of that name is there already", saving.NO_FOLDER, "a folder of that name is there already",
        saving.NO_FOLDER,
    ]  # fmt: skip
    assert list((tmp_path / "outside").iterdir()) == []
    assert sorted(path.name for path in out.rglob("*")) == ["empty", "file", "full", "kept", "link"]


def test_a_reader_sees_a_whole_file_or_none_and_the_old_one_until_then(out: Path, target: saving.Target) -> None:
    seen: list[list[str]] = []

    def write(fd: int) -> None:
        os.write(fd, b"half")
        seen.append([path.name for path in out.iterdir()])
        os.write(fd, b"whole")

    target.save(b"file", 0o644, write)
    assert [name.startswith(".sandbox-") for name in seen[0]] == [True]
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("file", "halfwhole")]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_nothing_is_left_of_a_file_that_could_not_be_written(
    out: Path, target: saving.Target, error: BaseException
) -> None:
    def write(fd: int) -> None:
        os.write(fd, b"half")
        raise error

    with pytest.raises(type(error)):
        target.save(b"file", 0o644, write)
    assert list(out.iterdir()) == []


def test_a_name_that_somebody_takes_meanwhile_stays_theirs(out: Path, target: saving.Target) -> None:
    with pytest.raises(saving.NotSavedError, match="is there already"):
        target.save(b"file", 0o644, lambda _: (out / "file").write_text("theirs"))
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("file", "theirs")]


@pytest.mark.parametrize("taken", [False, True])
def test_a_file_system_without_second_names_will_do(
    out: Path, target: saving.Target, monkeypatch: pytest.MonkeyPatch, taken: bool
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    def write(fd: int) -> None:
        os.write(fd, b"new")
        if taken:
            (out / "file").write_text("theirs")

    monkeypatch.setattr(os, "link", refuse)
    if taken:
        with pytest.raises(saving.NotSavedError):
            target.save(b"file", 0o644, write)
    else:
        target.save(b"file", 0o755, write)
        assert (out / "file").stat().st_mode & 0o777 == 0o755
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("file", "theirs" if taken else "new")]


@pytest.mark.parametrize("swap", ["a link", "another folder"])
def test_a_folder_that_somebody_swapped_while_we_saved_is_not_entered(
    out: Path, tmp_path: Path, target: saving.Target, swap: str
) -> None:
    (tmp_path / "secrets").mkdir()
    target.save(b"plots/a", 0o644, lambda _: None)
    (out / "plots").rename(out / "away")
    if swap == "a link":
        (out / "plots").symlink_to(tmp_path / "secrets")
    else:
        (tmp_path / "secrets").rename(out / "plots")
    with pytest.raises(saving.NotSavedError, match="in the place of its folder"):
        target.save(b"plots/b", 0o644, lambda _: None)
    assert list((out / "plots").iterdir()) == []


def test_nothing_lands_outside_while_folders_are_swapped_for_links_all_the_time(
    fd: int, scratch: Path, out: Path, tmp_path: Path
) -> None:
    """Somebody who lives on, and may write where the files go, does what they can."""
    outside, stop = tmp_path / "outside", threading.Event()
    outside.mkdir()
    for number in range(300):
        make(scratch, **{f"d{number % 10}__f{number}": "x"})

    def swap() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            try:
                os.rename(out / f"d{number % 10}", out / f"old{number}")
                os.symlink(outside, out / f"d{number % 10}")
            except OSError:
                continue

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        for force in (False, True):
            artifacts.collect(fd, ALL | {"max_files": 1000}, {}, None, str(out), force=force)
    finally:
        stop.set()
        thread.join()
    assert list(outside.iterdir()) == []


def test_a_supervisor_that_is_killed_leaves_no_half_file_under_a_name(tmp_path: Path, scratch: Path, out: Path) -> None:
    (scratch / "big").write_bytes(bytes(range(256)) * (40 << 12))
    code = (
        "import os, sys\n"
        "from sandbox_cli.run import artifacts, content\n"
        "def slow(*arguments, read=os.pread):\n"
        "    print('.', flush=True)\n"
        "    return read(*arguments)\n"
        "os.pread = slow\n"
        "fd = os.open(sys.argv[1], os.O_RDONLY)\n"
        "wanted = {'collect': ['**'], 'max_files': 9, 'max_bytes': 1 << 30}\n"
        "artifacts.collect(fd, wanted, {}, None, sys.argv[2])\n"
    )
    for pieces in (1, 20):
        process = subprocess.Popen([sys.executable, "-c", code, scratch, out], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(pieces):
            process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
    assert [path.name[:9] for path in out.iterdir()] == [".sandbox-"] * 2


def test_what_is_saved_is_the_callers_own_and_runs_as_nobody_else(
    scratch: Path, out: Path, save: Callable[[bool], Saved]
) -> None:
    make(scratch, x="#!/bin/sh\n", y="")
    (scratch / "x").chmod(0o6777)
    (scratch / "y").chmod(0o666)
    os.link(scratch / "y", scratch / "z")
    if os.geteuid() == 0:
        os.chown(scratch / "y", 1234, 1234)
    began = time.time()
    with (scratch / "y").open("w") as still_open:
        save(False)
        still_open.write("later")
    looks = {name: (out / name).stat() for name in "xyz"}
    assert [oct(looks[name].st_mode & 0o7777) for name in "xyz"] == ["0o755", "0o644", "0o644"]
    assert {(each.st_uid, each.st_nlink) for each in looks.values()} == {(os.geteuid(), 1)}
    assert (out / "y").read_text() == ""
    assert looks["x"].st_mtime >= began - 1
