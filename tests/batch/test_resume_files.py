"""The real command, and what becomes of the file that it is to go on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.batch.resuming import Batch, end_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.accounts import Sandbox


def test_two_batches_do_not_write_one_file(batch: Callable[..., Batch]) -> None:
    many = batch(jobs=12, pause_s=0.1)
    first = many.start()
    wait_until(lambda: many.written() >= 1, "nothing is written")
    os.killpg(first.pid, signal.SIGSTOP)
    second = many.sandbox(*many.arguments())
    os.killpg(first.pid, signal.SIGCONT)
    assert second.returncode == 2
    assert b"is being written by another batch\nhint: wait until it has ended" in second.stderr
    assert end_of(first) == (1, "")
    many.check()


def test_results_of_another_batch_are_told_of(batch: Callable[..., Batch]) -> None:
    many = batch(jobs=3)
    others = [json.dumps({"schema": "sandbox-result/1", "id": f"other {number}"}) for number in range(7)]
    many.results.write_text("\n".join([*others, others[0], others[1][:40]]))
    os.chown(many.results, many.sandbox.account.uid, many.sandbox.account.gid)
    stderr = many.finish().stderr.decode()
    assert "7 results are of no job of this input" in stderr
    assert "'other 0' has more than one result" in stderr
    assert "the last line was not all there: 40 bytes were taken away" in stderr
    assert len(many.found()) == 8 + len(many.expected)


@pytest.fixture
def small_disk(shared_tmp: Path) -> Iterator[Path]:
    disk = shared_tmp / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0777", "none", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_a_full_disk_ends_the_batch_and_with_room_it_goes_on(batch: Callable[..., Batch], small_disk: Path) -> None:
    many = batch(jobs=40)
    many.results = small_disk / "results.jsonl"
    done = many.sandbox(*many.arguments())
    assert done.returncode == 125
    assert b"No space left on device\nhint: make room, and go on with --resume" in done.stderr
    content = many.results.read_bytes()
    assert content.endswith(b"}\n")
    assert 0 < many.written() < len(many.expected)
    assert many.sandbox(*many.arguments()).returncode == 125  # still full
    assert many.results.read_bytes() == content

    with many.results.open("ab", buffering=0) as file, suppress(OSError):
        file.write(content[:3000])  # what fits of a line, on a disk that is then full to the last byte
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    many.finish()
    many.check()


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_a_disk_that_cannot_be_written_is_refused_in_words(batch: Callable[..., Batch], small_disk: Path) -> None:
    many = batch(jobs=2)
    many.results = small_disk / "results.jsonl"
    many.results.touch()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    done = many.sandbox(*many.arguments())
    assert done.returncode == 2
    assert b"can't be written: Read-only file system\nhint:" in done.stderr


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_a_file_of_somebody_else_is_refused_in_words(batch: Callable[..., Batch], sandbox: Sandbox) -> None:
    many = batch(jobs=1)
    many.results = Path("/etc/passwd")
    done = many.sandbox(*many.arguments())
    assert done.returncode == 2
    assert b"--resume '/etc/passwd' can't be written: Permission denied\nhint:" in done.stderr
