"""Scratch directories of ours: made, locked, removed whatever was done in them, swept when their run is dead."""

from __future__ import annotations

import fcntl
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run import fds, names, scratch, tree
from sandbox_cli.run.system import start_time
from tests.run import children
from tests.run.test_tree import make_deep

NOBODY = (1, 0)  # no account of root's


def plan(**changes: Any) -> Any:
    """As firejail's for an ordinary user: a directory of this run's own."""
    return {
        "backend": "firejail",
        "account": {"root": False, "uid": os.getuid(), "gid": os.getgid(), "uid_range": NOBODY, "home": "/"},
        "scratch": {"made_by": "run", "tmpfs": False, "shown": True, "size_bytes": 1, "files": 1},
        "binds": [],
        "groups": None,
        "compile": None,
        **changes,
    }


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory in which nobody else sweeps."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(scratch, "TEMPORARY", str(tmp_path / "temporary"))


@pytest.fixture
def left() -> Iterator[Path]:
    """A directory of a run that is dead."""
    path = Path(f"{scratch.TEMPORARY}/sandbox-{os.geteuid()}-{os.getpid()}-1-{os.urandom(6).hex()}")
    path.mkdir(mode=0o700)
    yield path
    assert scratch.remove_tree(str(path), ours=True) or not path.exists()


def test_a_directory_is_this_runs_alone_and_says_whose_it_is() -> None:
    first, second = scratch.Site(plan()), scratch.Site(plan())
    try:
        assert first.host
        assert first.path == first.host != second.host
        assert Path(first.host).stat().st_mode & 0o7777 == 0o700
        assert first.host.startswith(
            f"{scratch.TEMPORARY}/sandbox-{os.geteuid()}-{os.getpid()}-{start_time(os.getpid())}-"
        )
        scratch.sweep(NOBODY)
        assert Path(first.host).is_dir()
    finally:
        first.close()
        second.close()
    assert not Path(first.host).exists()


def test_closing_leaves_no_fd_open() -> None:
    before = len(os.listdir("/proc/self/fd"))
    scratch.Site(plan()).close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_directory_goes_even_where_its_job_locked_and_closed_it() -> None:
    site = scratch.Site(plan())
    assert site.host
    taken = os.open(site.host, tree.FOLDER)
    fcntl.flock(taken, fcntl.LOCK_SH)
    Path(site.host, "d").mkdir()
    Path(site.host, "d", "f").touch()
    Path(site.host, "d").chmod(0)
    Path(site.host).chmod(0)
    site.close()
    assert not Path(site.host).exists()
    os.close(taken)


def test_the_directory_of_a_run_that_was_killed_is_swept_by_the_next_and_not_before() -> None:
    reader, writer = os.pipe()

    def make() -> None:
        os.write(writer, str(scratch.Site(plan()).host).encode())
        time.sleep(60)

    child = children.start(make)
    os.close(writer)
    path = os.read(reader, 200).decode()
    os.close(reader)
    assert path not in scratch.sweep(NOBODY)
    assert Path(path).is_dir()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert path in scratch.sweep(NOBODY)
    assert not Path(path).exists()


def test_a_tree_that_somebody_still_writes_in_stays_for_the_next_sweep(left: Path) -> None:
    """As where a supervisor was killed, and its job is not dead yet."""

    def write() -> None:
        (left / "d").mkdir()
        for number in itertools.count():
            try:
                (left / str(number)).touch()
            except OSError:
                return

    child = children.start(write)
    deadline = time.monotonic() + 0.5
    try:
        while time.monotonic() < deadline and left.exists():
            scratch.sweep(NOBODY)  # raises nothing
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    scratch.sweep(NOBODY)
    assert not left.exists()


def test_what_takes_too_long_is_left_to_the_next_sweep(left: Path) -> None:
    for number in range(100):
        (left / str(number)).mkdir()
    assert str(left) not in scratch.sweep(NOBODY, patience_s=-1)
    assert left.exists()
    assert not scratch.remove_tree(str(left), until=time.monotonic() - 1)
    assert scratch.remove_tree(str(left))


def test_a_link_that_is_put_in_a_folders_place_is_not_opened_to_us(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir(mode=0o500)
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "link").symlink_to(tmp_path / "kept")
    assert scratch.remove_tree(str(tmp_path / "victim"))
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o500


def test_without_a_directory_for_temporary_files_nothing_is_swept(monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(scratch, "TEMPORARY", str(tmp_path / "gone"))
    assert scratch.sweep(NOBODY) == []


@pytest.mark.skipif(os.getuid() != 0, reason="accounts are root's")
def test_an_account_is_one_jobs_at_a_time_and_free_when_its_holder_ends(monkeypatch: Any) -> None:
    first, second = 1900065000, 1900065001
    account = {"root": True, "uid": None, "gid": None, "uid_range": (first, second), "home": "/"}
    own: Any = plan(account=account, scratch={**plan()["scratch"], "made_by": "jailer", "shown": False})
    one, other = scratch.Site(own), scratch.Site(own)
    assert {one.uid, other.uid} == {first, second}
    with pytest.raises(scratch.HostError, match="every account of uid_range has a job running"):
        scratch.Site(own)
    assert children.end(children.start(one.close)) == 0  # its copy of the fd alone: the lock is the parent's too
    with pytest.raises(scratch.HostError):
        scratch.Site(own)
    one.close()
    again = scratch.Site(own)
    assert again.uid == one.uid
    again.close()
    other.close()


def test_a_deep_tree_with_closed_folders_is_removed_whole(tmp_path: Path) -> None:
    victim = tmp_path / "scratch"
    victim.mkdir()
    fd = os.open(victim, tree.FOLDER)
    make_deep(fd, 3000, "x" * 100)
    os.close(fd)
    closed = victim / "closed" / "inner"
    closed.mkdir(parents=True)
    (closed / "file").write_text("")
    (victim / "\udcff\n..").write_text("")
    closed.chmod(0)
    closed.parent.chmod(0o500)
    victim.chmod(0)
    scratch.remove_tree(str(victim))
    assert not victim.exists()


def test_a_link_in_the_place_of_scratch_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    scratch.remove_tree(str(tmp_path / "link"))
    assert (tmp_path / "kept" / "file").exists()


def test_only_what_nobody_has_a_lock_on_is_swept_and_nothing_of_another_name_or_account() -> None:
    alive, lock = names.make(scratch.TEMPORARY, 0o700)
    ours = f"{scratch.TEMPORARY}/sandbox-{os.geteuid()}-{os.getpid()}"
    failed = f"{ours}-{start_time(os.getpid())}-{os.urandom(6).hex()}"  # our own, which we could not remove in time
    dead = f"{ours}-1-{os.urandom(6).hex()}"
    foreign = f"{scratch.TEMPORARY}/sandbox-{os.geteuid()}-notes-{os.urandom(6).hex()}"
    other = f"{scratch.TEMPORARY}/sandbox-{os.geteuid() + 1}-1-1-{os.urandom(6).hex()}"
    for path in (failed, dead, foreign, other):
        os.mkdir(path)
    scratch.sweep((1, 0))
    fds.close(lock)
    assert [os.path.exists(path) for path in (alive, failed, dead, foreign, other)] == [True, False, False, True, True]


def test_many_that_remove_the_same_directory_remove_it_once(tmp_path: Path) -> None:
    victim = tmp_path / "scratch"
    for name in range(200):
        (victim / str(name % 20) / str(name)).mkdir(parents=True)
    started = [children.start(lambda: scratch.remove_tree(str(victim))) for _ in range(8)]
    assert [children.end(child) for child in started] == [0] * 8
    assert not victim.exists()


def test_the_scratch_of_a_supervisor_in_another_pid_namespace_is_not_swept() -> None:
    """To us its pid says nothing, but its lock does."""
    path = Path(f"{scratch.TEMPORARY}/sandbox-{os.geteuid()}-1-1-{os.urandom(6).hex()}")
    path.mkdir()
    held = os.open(path, tree.FOLDER)
    fcntl.flock(held, fcntl.LOCK_SH)
    try:
        scratch.sweep((1, 0))
        assert path.exists()
    finally:
        os.close(held)
    assert str(path) in scratch.sweep((1, 0))
    assert not path.exists()


@pytest.mark.parametrize(
    "name", ["sandbox-{uid}-²-1-x", "sandbox-{uid}-1-x", "sandbox-{uid}--1--", "sandbox-{uid}-9-9-"]
)
def test_odd_names_of_somebody_elses_disturb_no_sweep(name: str) -> None:
    path = Path(scratch.TEMPORARY, name.format(uid=os.geteuid()))
    path.mkdir(exist_ok=True)
    try:
        scratch.sweep((1, 2))
    finally:
        if path.exists():
            path.rmdir()
