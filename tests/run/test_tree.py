"""Trees that a hostile job leaves: deep, closed, linked, full of odd names."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox_cli.run import scratch, tree
from sandbox_cli.run.system import start_time


@pytest.fixture
def top(tmp_path: Path) -> Iterator[int]:
    fd = os.open(tmp_path, tree.FOLDER)
    yield fd
    os.close(fd)
    scratch.remove_tree(str(tmp_path))


def make_deep(top: int, depth: int, name: str) -> None:
    fd = os.dup(top)
    for _ in range(depth):
        os.mkdir(name, dir_fd=fd)
        inner = os.open(name, tree.FOLDER, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
    os.close(fd)


def test_a_tree_is_walked_as_deep_as_fds_allow_and_what_lies_deeper_is_told(top: int) -> None:
    make_deep(top, tree.DEEPEST - 1, "d")
    assert [path.count(b"/") for path, _ in tree.walk(top)] == list(range(tree.DEEPEST))
    make_deep(top, 2000, "e")
    found = [(path, looks) for path, looks in tree.walk(top) if path.startswith(b"e")]
    assert len(found) == tree.DEEPEST + 1
    assert found[-1] == (b"/".join([b"e"] * tree.DEEPEST), None)


def test_a_path_that_the_kernel_could_not_take_is_told_and_not_entered(top: int) -> None:
    make_deep(top, 100, "n" * 250)
    found = list(tree.walk(top))
    assert found[-1][1] is None
    assert len(found) < 20


def test_a_wide_and_deep_tree_takes_no_longer_than_its_names(top: int) -> None:
    make_deep(top, 120, "d")
    inner = os.open("/".join(["d"] * 120), tree.FOLDER, dir_fd=top)
    for name in range(3000):
        os.mkdir(str(name), dir_fd=inner)
    os.close(inner)
    assert sum(1 for _ in tree.walk(top)) == 3121


def test_a_walk_that_is_given_up_leaves_no_fd_open(top: int) -> None:
    make_deep(top, 50, "d")
    before = len(os.listdir("/proc/self/fd"))
    for path, _ in tree.walk(top):
        if path.count(b"/") == 30:
            break
    assert len(os.listdir("/proc/self/fd")) == before


def test_links_are_names_and_are_not_followed(top: int, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc")
    assert [path for path, _ in tree.walk(top)] == [b"out"]


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


def test_only_the_scratch_of_the_dead_is_swept() -> None:
    me, began = os.getpid(), start_time(os.getpid())
    alive = Path(f"/tmp/sandbox-{os.geteuid()}-{me}-{began}-{os.urandom(6).hex()}")
    dead = Path(f"/tmp/sandbox-{os.geteuid()}-{me}-1-{os.urandom(6).hex()}")
    foreign = Path(f"/tmp/sandbox-{os.geteuid()}-notes-{os.urandom(6).hex()}")
    for path in (alive, dead, foreign):
        path.mkdir()
    try:
        scratch.sweep((1, 0))
        assert [path.exists() for path in (alive, dead, foreign)] == [True, False, True]
    finally:
        alive.rmdir()
        foreign.rmdir()


def test_many_that_remove_the_same_directory_remove_it_once(tmp_path: Path) -> None:
    victim = tmp_path / "scratch"
    for name in range(200):
        (victim / str(name % 20) / str(name)).mkdir(parents=True)
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            try:
                scratch.remove_tree(str(victim))
            except OSError:
                os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert not victim.exists()


def test_the_scratch_of_a_supervisor_in_another_pid_namespace_is_not_swept() -> None:
    """To us its pid says nothing, but its lock does."""
    path = Path(f"/tmp/sandbox-{os.geteuid()}-1-1-{os.urandom(6).hex()}")
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
    path = Path("/tmp", name.format(uid=os.geteuid()))
    path.mkdir(exist_ok=True)
    try:
        scratch.sweep((1, 2))
    finally:
        if path.exists():
            path.rmdir()
