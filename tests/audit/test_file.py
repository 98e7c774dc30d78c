"""The file of an audit: whole lines, whoever else writes, and no file but one that keeps them."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import resource
import signal
import socket
import stat
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.audit.file import AuditFile
from sandbox_cli.errors import RefusedError
from sandbox_cli.plan.audits import Demand
from sandbox_cli.plan.limits import by_option
from tests.accounts import AS_ROOT

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sandbox_cli.result import Blame
    from tests.accounts import Account

PROCESSES, EACH = 8, 25
FROM_CEILING: Blame = {"clause": "audit", "source": "ceiling", "file": "/etc/sandbox/ceiling.yaml", "line": 3}


def opened(path: Path, blame: Blame | None = None) -> AuditFile:
    return AuditFile(Demand(str(path), blame or by_option("audit")))


def append(path: Path, line: bytes) -> None:
    file = opened(path)
    try:
        file.append(line)
    finally:
        file.close()


def refusal(path: Path, blame: Blame | None = None) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        opened(path, blame)
    return caught.value


@contextmanager
def files_of_at_most(size: int) -> Generator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_missing_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        append(tmp_path / "a", b"{}\n")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert (tmp_path / "a").read_bytes() == b"{}\n"


def test_file_that_is_there_keeps_its_mode_and_all_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1\n")
    (tmp_path / "a").chmod(0o640)
    append(tmp_path / "a", b"2\n")
    assert (tmp_path / "a").read_text() == "1\n2\n"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def write_many(path: str, worker: int) -> None:
    for number in range(EACH):
        file = AuditFile(Demand(path, by_option("audit")))
        file.append(json.dumps({"by": worker, "number": number, "text": "x" * (worker * 1500)}).encode() + b"\n")
        file.close()


def test_two_hundred_lines_of_eight_processes_are_two_hundred_whole_lines(tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("fork")
    workers = [spawning.Process(target=write_many, args=(str(tmp_path / "a"), number)) for number in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    lines = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert sorted((line["by"], line["number"]) for line in lines) == [
        (worker, number) for worker in range(PROCESSES) for number in range(EACH)
    ]


def test_line_that_a_full_disk_cuts_short_is_told_and_leaves_the_next_one_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    append(path, b'{"n": 1}\n')
    file = opened(path)
    with files_of_at_most(13), pytest.raises(OSError, match="too large"):
        file.append(b'{"n": 2}\n')
    file.close()
    assert path.read_bytes() == b'{"n": 1}\n{"n"'
    append(path, b'{"n": 3}\n')
    assert path.read_bytes() == b'{"n": 1}\n{"n"\n{"n": 3}\n'


@pytest.mark.parametrize("size", [0, 1024])
def test_file_that_the_limit_of_whoever_starts_a_job_keeps_from_growing_is_refused(tmp_path: Path, size: int) -> None:
    (tmp_path / "a").write_bytes(b"x" * size)
    with files_of_at_most(size):
        assert "ulimit -f" in str(refusal(tmp_path / "a"))
    append(tmp_path / "a", b"1\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a file system")
def test_file_on_a_full_disk_is_refused(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", tmp_path], check=True)
    try:
        append(tmp_path / "a", b"1\n")
        (tmp_path / "filling").write_bytes(b"x" * (200 << 10))
        assert "its disk is full" in str(refusal(tmp_path / "a"))
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_lock_that_somebody_holds_for_ever_costs_a_second_and_no_line(tmp_path: Path) -> None:
    append(tmp_path / "a", b"1\n")
    with (tmp_path / "a").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        began = time.monotonic()
        append(tmp_path / "a", b"2\n")
    assert 0.9 < time.monotonic() - began < 5
    assert (tmp_path / "a").read_text() == "1\n2\n"


def test_file_that_was_rotated_away_keeps_the_line_of_a_job_that_ran_meanwhile(tmp_path: Path) -> None:
    file = opened(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "a.1")
    append(tmp_path / "a", b"new\n")
    file.append(b"old\n")
    file.close()
    assert ((tmp_path / "a.1").read_text(), (tmp_path / "a").read_text()) == ("old\n", "new\n")


@pytest.mark.skipif(not AS_ROOT, reason="only root can hand a file to another account")
def test_account_that_may_add_and_not_read_leaves_whole_lines_and_empty_ones(
    as_user: Account, shared_tmp: Path
) -> None:
    path = shared_tmp / "a"
    path.write_text("")
    path.chmod(0o622)
    code = (
        "from sandbox_cli.audit.file import AuditFile; from sandbox_cli.plan.audits import Demand\n"
        "for number in (1, 2):\n"
        f"    file = AuditFile(Demand({str(path)!r}, {by_option('audit')!r}))\n"
        "    file.append(b'%d\\n' % number); file.close()\n"
    )
    done = as_user.run([as_user.python, "-c", code])
    assert done.returncode == 0, done.stderr.decode()
    assert path.read_text() == "1\n\n2\n"


def test_folder_is_refused(tmp_path: Path) -> None:
    assert "no regular file" in refusal(tmp_path).message


def test_link_is_refused_wherever_it_leads(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    assert "it is a link" in refusal(tmp_path / "a").message
    (tmp_path / "b").write_text("")
    assert "it is a link" in refusal(tmp_path / "a").message
    assert (tmp_path / "b").read_text() == ""


def test_fifo_is_refused_at_once_and_so_are_sockets_and_devices(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert "no regular file" in refusal(tmp_path / "fifo").message
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket"))
        assert "no regular file" in refusal(tmp_path / "socket").message
    assert "no regular file" in refusal(type(tmp_path)("/dev/null")).message


def test_file_that_is_the_output_of_this_process_is_refused(tmp_path: Path) -> None:
    saved = os.dup(1)
    with (tmp_path / "a").open("ab") as stream:
        os.dup2(stream.fileno(), 1)
        try:
            why = refusal(tmp_path / "a").message
        finally:
            os.dup2(saved, 1)
            os.close(saved)
    assert "own input or output" in why


def test_missing_folder_is_refused_in_words_for_whoever_can_help(tmp_path: Path) -> None:
    error = refusal(tmp_path / "none" / "a")
    assert "No such file or directory" in error.message
    assert error.hint == "name a file in a directory of yours"
    error = refusal(tmp_path / "none" / "a", FROM_CEILING)
    assert (
        error.hint
        == "/etc/sandbox/ceiling.yaml:3 demands a line of every job there: no job runs until it can be written"
    )
    assert error.blame == FROM_CEILING


@pytest.mark.skipif(not AS_ROOT, reason="only root is held to this")
def test_root_writes_neither_into_another_accounts_file_nor_below_its_folder(
    as_user: Account, shared_tmp: Path
) -> None:
    (shared_tmp / "theirs").touch()
    os.chown(shared_tmp / "theirs", as_user.uid, as_user.gid)
    assert "belongs to somebody else" in refusal(shared_tmp / "theirs").message
    (shared_tmp / "folder").mkdir()
    os.chown(shared_tmp / "folder", as_user.uid, as_user.gid)
    error = refusal(shared_tmp / "folder" / "a")
    assert "others than root can change it" in error.message
    assert error.hint.startswith("chown root:root")
    assert not (shared_tmp / "folder" / "a").exists()
