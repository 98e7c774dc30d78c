"""Trees that a hostile job leaves: deep, closed, linked, full of odd names."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.run import scratch, tree


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


def test_a_walk_with_few_fds_tells_what_it_could_not_enter(top: int) -> None:
    """In a child, whose limit is its own."""
    make_deep(top, 60, "d")
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        filling = []
        with contextlib.suppress(OSError):
            while True:
                filling.append(os.dup(0))
        for fd in filling[-40:]:  # one more free with each round: the walk ends now in a folder, now in its list
            os.close(fd)
            if [looks for _, looks in tree.walk(top)][-1] is not None:
                os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_walk_of_a_huge_folder_can_be_broken_off(top: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in range(200):
        (tmp_path / str(name)).touch()
    looked = 0
    stat = os.stat

    def counted(*arguments: Any, **options: Any) -> os.stat_result:
        nonlocal looked
        looked += 1
        return stat(*arguments, **options)

    monkeypatch.setattr(os, "stat", counted)
    monkeypatch.setattr(os, "listdir", lambda _: pytest.fail("it reads all names before it tells one"))
    next(tree.walk(top))
    assert looked == 1


def test_a_file_is_opened_through_no_link_and_opened_to_us_through_none(top: int, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    (tmp_path / "kept").chmod(0o400)
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "folder").symlink_to(".")
    for path in (b"link", b"folder/kept"):
        with pytest.raises(OSError, match=r"not a regular file|Not a directory"):
            tree.open_file(top, path, opening=True)
    with contextlib.suppress(OSError):  # the kernel may refuse it, and changes no more than the link's own mode
        tree.unlock(top, "link", 0o777)
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o400
    tree.unlock(top, "kept", 0o600)
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600


def test_a_file_that_somebody_has_a_lease_on_is_not_waited_for(top: int, tmp_path: Path) -> None:
    """To open it for reading would break the lease, which its holder may take 45 s for."""
    (tmp_path / "leased").write_text("x")
    code = (
        "import fcntl, os, signal, sys, time\n"
        "signal.signal(signal.SIGIO, signal.SIG_IGN)\n"
        "fd = os.open(sys.argv[1], os.O_RDWR)\n"
        "fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n"
        "print('leased', flush=True)\n"
        "time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path / "leased"], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"leased\n"
        began = time.monotonic()
        with pytest.raises(BlockingIOError):
            tree.open_file(top, b"leased")
        assert time.monotonic() - began < 5
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("opening", [False, True])
def test_a_fifo_a_socket_and_a_device_are_never_opened(top: int, tmp_path: Path, opening: bool) -> None:
    os.mkfifo(tmp_path / "fifo")
    names = [b"fifo", b"socket", b"link"]
    (tmp_path / "link").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    if os.geteuid() == 0:
        os.mknod(tmp_path / "null", 0o020666, os.makedev(1, 3))
        names.append(b"null")
    for name in names:
        with pytest.raises(OSError, match="not a regular file"):
            tree.open_file(top, name, opening=opening)
