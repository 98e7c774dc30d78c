"""The real command, ended at any moment, in any way, and gone on with: each job has one result, and it is right."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.batch.resuming import Batch, end_of, wait_until
from tests.contract.test_supervisor_killed import marked
from tests.leftovers import OURS, scratches

if TYPE_CHECKING:
    from collections.abc import Callable


KILLS = {"root": 20, "user": 20 if os.getuid() else 6}


def test_each_job_has_one_result_after_kills_at_random_moments(batch: Callable[..., Batch]) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)
    many = batch(jobs=900, pause_s=0.05)  # on a busy machine two dozen or so end before each kill
    killed: list[int] = []
    at_once: list[int] = []
    torn = 0
    while len(killed) < KILLS[many.sandbox.account.name]:
        process = many.start()
        killed.append(process.pid)
        began = many.written() + chance.randrange(1, 7)
        wait_until(partial(_has, many, began), "nothing is written")
        wait_until(lambda: marked(many.mark), "no job runs")
        time.sleep(chance.random() * 0.02)
        at_once.append(len(marked(many.mark)))
        process.kill()
        assert end_of(process)[0] == -signal.SIGKILL  # it had not ended by itself
        wait_until(lambda: not marked(many.mark), "a job outlived its batch")
        content = many.results.read_bytes()
        torn += not content.endswith(b"\n")
        if chance.random() < 0.5:  # what a write leaves that the kill, or a full disk, cut short
            many.results.write_bytes(content[: -chance.randrange(1, 3000)])
    print(f"{many.written()} of {len(many.expected)} results when it was last killed, {torn} torn by the kill itself")
    assert max(at_once) > 0
    many.finish()
    many.check()
    left = {each for each in scratches() if (found := OURS.match(Path(each).name)) and int(found[1]) in killed}
    assert left == set()


@pytest.mark.parametrize(
    ("number", "ordered"),
    [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGHUP, False), (signal.SIGINT, True)],
)
def test_a_batch_that_a_signal_ended_goes_on_where_it_was(
    batch: Callable[..., Batch], number: signal.Signals, *, ordered: bool
) -> None:
    options = ["--ordered"] if ordered else []
    many = batch(jobs=60, pause_s=0.1)
    process = many.start(*options)
    wait_until(lambda: many.written() >= 3, "nothing is written")
    os.killpg(process.pid, number)  # as the terminal does it
    code, stderr = end_of(process)
    assert code == 128 + number, stderr
    assert f"cancelled by {number.name}" in stderr
    assert "Traceback" not in stderr
    assert marked(many.mark) == []
    found = many.found()
    assert 3 <= len(found) < 62
    assert {each["status"] for each in found} <= {"ok", "nonzero-exit"}
    many.finish(*options)
    many.check()
    if ordered:
        before = {each["id"] for each in found}  # what was finished ahead of an older job that was not is kept, too
        left = [name for name in many.expected if name not in before]
        assert [each["id"] for each in many.found()[len(found) :]] == left


def test_what_ended_with_the_batch_has_no_result_also_where_it_ended_first(batch: Callable[..., Batch]) -> None:
    """A service manager sends its signal to everything that it finds; the jails may get it before the batch does."""
    many = batch(jobs=60, pause_s=0.3)  # more than begin before the signal: what is no job, at the end, is refused
    process = many.start()
    wait_until(lambda: many.written() >= 1 and len(marked(many.mark)) >= 4, "nothing is written")
    for pid in reversed(descendants(process.pid)):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    time.sleep(0.03)
    process.send_signal(signal.SIGTERM)
    code, stderr = end_of(process)
    assert code == 128 + signal.SIGTERM, stderr
    assert {each["status"] for each in many.found()} <= {"ok", "nonzero-exit"}
    many.finish()
    many.check()


def _has(many: Batch, results: int) -> bool:
    return many.written() >= results


def descendants(pid: int) -> list[int]:
    """Parents first."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, children.read_text().split()):
                found += [child, *descendants(child)]
    return found


def test_a_batch_that_was_stopped_goes_on_by_itself(batch: Callable[..., Batch]) -> None:
    many = batch(jobs=12, pause_s=0.05)
    process = many.start()
    wait_until(lambda: many.written() >= 2, "nothing is written")
    os.killpg(process.pid, signal.SIGSTOP)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGCONT)
    assert end_of(process) == (1, "")
    many.check()


def test_what_is_finished_is_not_run_again(batch: Callable[..., Batch]) -> None:
    many = batch(jobs=6)
    many.finish()
    before = many.results.read_bytes()
    done = many.sandbox(*many.arguments())
    assert (done.returncode, done.stderr) == (0, b"")
    assert many.results.read_bytes() == before

    kept = before.splitlines(keepends=True)
    many.results.write_bytes(b"".join(line for line in kept if b'"id":"task/2"' not in line))
    many.finish()
    many.check()
    assert many.results.read_bytes().startswith(b"".join(line for line in kept if b'"id":"task/2"' not in line))


def test_what_a_batch_wrote_to_standard_output_is_gone_on_with(batch: Callable[..., Batch]) -> None:
    many = batch(jobs=16, pause_s=0.05)
    with many.results.open("wb") as file:
        process = many.sandbox.popen("batch", "-q", "-j", "4", str(many.input), stdout=file, stderr=-1)
    wait_until(lambda: many.written() >= 3, "nothing is written")
    process.kill()
    process.communicate()
    os.chown(many.results, many.sandbox.account.uid, many.sandbox.account.gid)
    many.finish()
    many.check()


def test_jobs_that_come_on_standard_input_are_gone_on_with(batch: Callable[..., Batch]) -> None:
    many = batch(jobs=8)
    text = many.input.read_bytes()
    for part in (text[: len(text) // 2].rpartition(b"\n")[0], text):
        many.sandbox("batch", "--resume", str(many.results), stdin=part)
    many.check()


def test_a_line_that_was_mended_is_run_and_its_old_result_is_told_of(batch: Callable[..., Batch]) -> None:
    many = batch(jobs=6)
    many.finish()
    name = f"line {len(many.expected) - 1}"
    many.input.write_text(many.input.read_text().replace("no job", '{"id": "mended", "command": ["true"]}'))
    done = many.sandbox(*many.arguments())
    assert done.returncode == 0
    assert "1 result is of no job" in done.stderr.decode()
    assert [each["id"] for each in many.found()].count(name) == 1  # kept: nothing is ever taken away
    assert many.found()[-1]["id"] == "mended"


def test_a_broken_line_takes_nobody_elses_id(batch: Callable[..., Batch]) -> None:
    """Ids that count from 0 are as usual as line numbers, which count from 1."""
    many = batch(jobs=0)
    jobs = [json.dumps({"id": str(number), "command": ["echo", str(number)]}) for number in range(4)]
    many.input.write_text("\n".join([*jobs[:2], "broken", *jobs[3:]]))
    many.sandbox(*many.arguments())
    assert {each["id"]: each["stdout"] for each in many.found()} == {"0": "0\n", "1": "1\n", "line 3": "", "3": "3\n"}
    many.input.write_text("\n".join(jobs))
    many.sandbox(*many.arguments())
    assert [(each["id"], each["stdout"]) for each in many.found()][-1] == ("2", "2\n")
    assert len(many.found()) == 5
