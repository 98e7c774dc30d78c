"""Configuration, programs and folders that somebody else could have put there: root obeys none of them, and says whose
they are. The control of each case is the same thing as root's own."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.run import scratch
from tests import accounts
from tests.accounts import PATH, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.accounts import Account
    from tests.cli.conftest import Command

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="what others can change concerns root alone")

JOB = ("exec", "-b", "bwrap", "--", "/bin/true")
BY_NAME = ("exec", "-b", "bwrap", "-p", "mine", "--", "/bin/true")


def owned(path: Path) -> None:
    entry = accounts.tester()
    os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def in_folder_of_others(path: Path) -> None:
    owned(path.parent)


def in_folder_for_everybody(path: Path) -> None:
    path.parent.chmod(0o777)


def below_folder_of_others(path: Path) -> None:
    owned(path.parent.parent)


def for_its_group(path: Path) -> None:
    path.chmod(0o664)


def for_everybody(path: Path) -> None:
    path.chmod(0o646)


def link_to_others(path: Path) -> None:
    place = elsewhere(path)
    path.rename(place / "theirs.yaml")
    owned(place / "theirs.yaml")
    path.symlink_to(place / "theirs.yaml")


def link_through_others(path: Path) -> None:
    """What it comes to is root's own; which file that is, somebody else says."""
    place = elsewhere(path)
    path.rename(path.with_name("real.yaml"))
    (place / "link.yaml").symlink_to(path.with_name("real.yaml"))
    path.symlink_to(place / "link.yaml")
    owned(place)


def folder_through_others(path: Path) -> None:
    place, folder = elsewhere(path), path.parent
    folder.rename(folder.with_name("real"))
    (place / "link").symlink_to(folder.with_name("real"))
    folder.symlink_to(place / "link")
    owned(place)


def elsewhere(path: Path) -> Path:
    place = path.parent.parent / "elsewhere"
    place.mkdir()
    return place


TAMPERED = [
    owned, for_its_group, for_everybody, in_folder_of_others, in_folder_for_everybody, below_folder_of_others,
    link_to_others, link_through_others, folder_through_others,
]  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERED)
@pytest.mark.parametrize("what", ["config", "policy"])
def test_root_obeys_no_file_that_others_could_have_put_there(
    command: Command, tmp_path: Path, what: str, tamper: Callable[[Path], None]
) -> None:
    folder = tmp_path / "config" / "sandbox"
    path = folder / "config.yaml" if what == "config" else folder / "policies" / "mine.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("backends: [bwrap]\n" if what == "config" else "extends: command\n")
    words = JOB if what == "config" else BY_NAME
    assert command(*words).code == 0
    tamper(path)
    done = command(*words)
    first, hint = done.err.splitlines()
    assert done.code == 125
    assert first.startswith("sandbox: ")
    assert "others than root can change" in first
    mends = hint.removeprefix("hint: ")
    assert mends.startswith(("chown root:root ", "chmod go-w "))
    subprocess.run(mends, shell=True, check=True)
    assert mends not in command(*words).err


@pytest.fixture
def programs(session_directory: Path) -> Iterator[Path]:
    """A folder as root's own as /usr/bin, which everybody can reach."""
    folder = session_directory / f"programs-{os.urandom(4).hex()}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


def write_program(path: Path, marker: Path, then: str) -> None:
    path.write_text(f'#!/bin/sh\necho "$0" >>{marker}\nexec {then} "$@"\n')
    path.chmod(0o755)


def program_owned(path: Path) -> None:
    owned(path)


def program_linked(path: Path) -> None:
    place = path.parent / "place"
    place.mkdir()
    path.rename(place / "program")
    owned(place)
    path.symlink_to(place / "program")


@pytest.mark.parametrize(
    "tamper",
    [program_owned, for_its_group, for_everybody, in_folder_of_others, in_folder_for_everybody, program_linked],
)
def test_root_starts_no_jailer_that_others_can_replace(
    command: Command, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tamper: Callable[[Path], None]
) -> None:
    marker = tmp_path / "started"
    marker.touch()
    marker.chmod(0o666)
    monkeypatch.setenv("PATH", f"{programs}:{PATH}")
    write_program(programs / "bwrap", marker, "/usr/bin/bwrap")
    result = command("exec", "-b", "bwrap", "--json", "--", "/bin/true").result
    assert (result["status"], result["receipt"]["program"]) == ("ok", str(programs / "bwrap"))
    assert marker.read_text()
    marker.write_text("")
    tamper(programs / "bwrap")
    result = command("exec", "-b", "bwrap", "--json", "--", "/bin/true").result
    assert (result["status"], marker.read_text()) == ("ok", "")
    assert result["receipt"]["program"] != str(programs / "bwrap")


def test_root_starts_no_runtime_that_others_can_replace(
    command: Command, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{programs}:{PATH}")
    python = programs / "python3"
    shutil.copy("/usr/bin/python3", python)
    words = ("run", "-b", "bwrap", "--json", "-l", "python", "-c", "")
    assert command(*words).result["runtime"]["path"] == str(python)
    marker = tmp_path / "started"
    write_program(python, marker, "/usr/bin/python3")
    owned(python)
    result = command(*words).result
    assert result["status"] == "ok"
    assert result["runtime"]["path"] != str(python)
    assert not marker.exists()


@pytest.fixture
def names() -> Iterator[Callable[[int], Path]]:
    """A name in /tmp that could be that of a run of an account."""
    made: list[Path] = []

    def name(uid: int) -> Path:
        made.append(Path(f"/tmp/sandbox-{uid}-4194999-1-{os.urandom(6).hex()}"))
        return made[-1]

    yield name
    for path in made:
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)


def test_what_squats_on_a_name_of_roots_is_neither_followed_nor_removed(
    sandbox_of_root: Sandbox, names: Callable[[int], Path], shared_tmp: Path, as_user: Account
) -> None:
    precious = shared_tmp / "precious"
    precious.mkdir()
    (precious / "file").write_text("mine")
    link, folder, file, own = (names(0) for _ in range(4))
    link.symlink_to(precious)
    for made in (folder, own):
        made.mkdir()
        (made / "link").symlink_to(precious)
        (made / "up").symlink_to("..")
    file.write_text("")
    for each in (link, folder, file):
        owned(each)
    removed = sandbox_of_root.json("clean")["removed"]
    assert not own.exists()  # any run of root's may have swept it meanwhile
    assert not {str(link), str(folder), str(file)} & set(removed)
    assert (folder / "link").is_symlink()
    assert (precious / "file").read_text() == "mine"
    assert json.loads(sandbox_of_root("exec", "--json", "-b", "firejail", "--", "/bin/true").stdout)["status"] == "ok"


@pytest.fixture
def sandbox_of_root(as_root: Account, launcher: Path) -> Sandbox:
    return Sandbox(as_root)


def state_of_others(state: Path, _: Path) -> None:
    state.mkdir()
    owned(state)


def state_for_everybody(state: Path, _: Path) -> None:
    state.mkdir()
    state.chmod(0o1777)


def state_is_a_link(state: Path, other: Path) -> None:
    state.symlink_to(other)


def state_is_a_file(state: Path, _: Path) -> None:
    state.write_text("")


def mount_point_of_others(state: Path, _: Path) -> None:
    (state / "scratch").mkdir(parents=True)
    owned(state / "scratch")


def mount_point_is_a_link(state: Path, other: Path) -> None:
    state.mkdir()
    (state / "scratch").symlink_to(other)


def lock_is_a_link(state: Path, other: Path) -> None:
    state.mkdir()
    (state / "accounts").symlink_to(other / "file")


@pytest.mark.parametrize(
    "make",
    [state_of_others, state_for_everybody, state_is_a_link, state_is_a_file, mount_point_of_others,
     mount_point_is_a_link, lock_is_a_link],
)  # fmt: skip
def test_what_stands_where_root_keeps_its_state_is_used_only_as_roots_own(
    command: Command, programs: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path, Path], None]
) -> None:
    state, other = programs / "state", programs / "other"
    other.mkdir()
    (other / "file").write_text("precious")
    monkeypatch.setattr(scratch, "STATE", str(state))
    monkeypatch.setattr(scratch, "MOUNT_POINT", f"{state}/scratch")
    make(state, other)
    looks = other.stat()
    done = command(*JOB)
    assert done.code == 125, done
    first, hint = done.err.splitlines()
    assert first.startswith("sandbox: ")
    assert str(state) in first
    assert hint.startswith("hint: ")
    assert (other / "file").read_text() == "precious"
    assert (other.stat().st_mode, other.stat().st_uid) == (looks.st_mode, looks.st_uid)
    shutil.rmtree(state) if state.is_dir() and not state.is_symlink() else state.unlink()
    assert command(*JOB).code == 0
    assert stat.S_IMODE(state.stat().st_mode) == 0o755
