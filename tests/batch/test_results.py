"""The file of results: what counts as one, what is taken away, and what is left alone."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import signal
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox_cli.batch import results
from sandbox_cli.batch.results import ResultsFile
from tests.batch.resuming import ids, line, refusal, resume

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ODD_IDS = ("1", "a b", 'quo"te', "back\\slash", "ümläut", "line\nbreak", "\x7f", "[{", "x" * 200, "☃" * 200)


def test_a_missing_file_is_made_and_an_empty_one_is_begun(path: Path) -> None:
    assert resume(path, ["a", "b"]) == ["a", "b"]
    assert path.read_bytes() == line("a") + line("b")
    path.write_bytes(b"")
    assert resume(path, ["a"]) == ["a"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_has_a_result_is_finished_whatever_its_id_looks_like(path: Path) -> None:
    assert resume(path, ODD_IDS) == list(ODD_IDS)
    assert resume(path, ["0", *ODD_IDS]) == ["0"]
    assert ids(path.read_bytes()) == [*ODD_IDS, "0"]


def test_a_file_cut_at_any_byte_ends_with_one_result_of_each_job(path: Path) -> None:
    jobs = ["a", 'b"\\☃', "c"]
    whole = line("a") + line('b"\\☃', stdout="}\n{\\", value={"schema": "sandbox-result/1", "id": "a"}) + line("c")
    ends = [0]
    for each in whole.splitlines(keepends=True):
        ends.append(ends[-1] + len(each))
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        finished = sum(end - 1 <= cut for end in ends[1:])  # an object is whole without its newline
        assert resume(path, jobs) == jobs[finished:], cut
        assert ids(path.read_bytes()) == jobs, cut
        assert path.read_bytes()[: ends[finished]] == whole[: ends[finished]], cut  # nothing whole was touched


@settings(max_examples=100, deadline=None)
@given(
    jobs=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True, max_size=6),
    cuts=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 400)), max_size=5),
    zeros=st.integers(0, 5),
)
def test_however_often_it_is_torn_each_job_ends_with_one_result(
    tmp_path_factory: pytest.TempPathFactory, jobs: list[str], cuts: Sequence[tuple[int, int]], zeros: int
) -> None:
    path = tmp_path_factory.mktemp("torn") / "results.jsonl"
    for done, torn in cuts:
        resume(path, jobs, stop_after=done)
        content = path.read_bytes()
        kept = max(0, len(content) - torn)
        path.write_bytes(content[:kept] + (b"\0" * zeros if kept < len(content) - 1 else b""))
    resume(path, jobs)
    assert sorted(ids(path.read_bytes())) == sorted(jobs)


def test_zeros_that_a_power_failure_left_at_the_end_are_taken_away(path: Path) -> None:
    for tail in (b"\0" * 5000, line("b")[:20] + b"\0" * 5000, line("b")[:60] + b"\0" * 3):
        path.write_bytes(line("a") + tail)
        assert resume(path, ["a", "b"]) == ["b"]
        assert path.read_bytes() == line("a") + line("b")


def test_two_results_of_one_job_are_told_and_neither_is_touched(path: Path) -> None:
    path.write_bytes(line("a") + line("b") + line("a") + line("a"))
    file = ResultsFile(str(path))
    assert (file.count, file.doubled) == (2, ["a", "a"])
    file.close()
    assert len(path.read_bytes()) == 4 * len(line("a"))


def test_a_second_batch_on_the_same_file_is_refused_until_the_first_one_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "_PATIENCE_S", 0.05)
    first = ResultsFile(str(path))
    link = path.with_name("link")
    link.symlink_to(path)
    for name in (path, link):
        assert "is being written by another batch" in refusal(name)
    first.append(line("a"))
    first.close()
    assert resume(link, ["a", "b"]) == ["b"]
    assert link.is_symlink()


def test_a_lock_that_is_given_back_soon_is_waited_for(path: Path) -> None:
    holder = subprocess.Popen(["flock", path, "sh", "-c", "echo; sleep 0.3"], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    assert resume(path, ["a"]) == ["a"]
    holder.communicate()


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for name in (fifo, tmp_path, "/dev/null", "/dev/full"):
        assert "is no regular file" in refusal(name)


def test_what_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    assert "can't be written: No such file or directory" in refusal(tmp_path / "none" / "results.jsonl")
    assert "can't be written: No such file or directory" in refusal("")
    assert "can't be written: Not a directory" in refusal("/etc/passwd/x")
    assert "can't be written: File name too long" in refusal(tmp_path / ("x" * 300))
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert "can't be written: Too many levels of symbolic links" in refusal(loop)


def test_a_file_that_is_refused_is_neither_locked_nor_open(path: Path) -> None:
    path.write_bytes(b"word\n")
    before = len(os.listdir("/proc/self/fd"))
    refusal(path)
    assert len(os.listdir("/proc/self/fd")) == before
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_line_that_does_not_fit_leaves_nothing_and_the_next_one_stands_alone(path: Path) -> None:
    """The limit on files stands for a full disk: the kernel writes what fits, and then nothing more."""
    file = ResultsFile(str(path))
    file.append(line("a"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(line("a")) + 10, hard))
        for _ in range(2):
            with pytest.raises(OSError) as raised:
                file.append(line("b"))
            assert raised.value.errno == errno.EFBIG
            assert path.read_bytes() == line("a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    file.append(line("c"))
    file.close()
    assert path.read_bytes() == line("a") + line("c")


def test_a_part_that_could_not_be_taken_away_at_once_is_before_the_next_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ResultsFile(str(path))
    real_write = os.write
    whole = len(line("a"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", _fails)
        patch.setattr(os, "write", lambda fd, data: real_write(fd, data[:9]) if len(data) == whole else _fails())
        with pytest.raises(OSError):
            file.append(line("a"))
    assert path.read_bytes() == line("a")[:9]
    file.append(line("b"))
    file.close()
    assert path.read_bytes() == line("b")


def test_a_file_that_was_removed_takes_no_more_results(path: Path) -> None:
    file = ResultsFile(str(path))
    file.append(line("a"))
    path.unlink()
    with pytest.raises(FileNotFoundError, match="somebody removed it"):
        file.append(line("b"))
    file.close()


def test_each_line_is_one_write_of_the_kernel(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    real_write = os.write

    def write(fd: int, data: bytes) -> int:
        written.append(bytes(data))
        return real_write(fd, data)

    monkeypatch.setattr(os, "write", write)
    file = ResultsFile(str(path))
    for name in "abc":
        file.append(line(name))
    file.close()
    assert written == [line("a"), line("b"), line("c")]


def test_closing_brings_everything_to_the_disk_and_a_slow_disk_is_asked_less_often(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    synced: list[float] = []

    def sync(_fd: int) -> None:
        synced.append(clock[0])
        clock[0] += 0.2  # as long as a busy disk takes

    monkeypatch.setattr(results.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(os, "fdatasync", sync)
    file = ResultsFile(str(path))
    for number in range(300):
        clock[0] += 0.1
        file.append(line(str(number)))
    assert len(synced) == 3  # in 30 seconds: 2 % of the time
    file.close()
    assert len(synced) == 4


def _fails(*_: object) -> int:
    raise OSError(errno.EIO, "Input/output error")
