"""Ids on disk: each is new once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sandbox_cli.batch.seen import Seen
from sandbox_cli.errors import HostError
from tests.accounts import ROOT


def test_id_is_new_once() -> None:
    with Seen() as seen:
        assert [seen.add(each) for each in ("a", "b", "a", "A", "ä", "a\0", "")] == [
            True,
            True,
            False,
            True,
            True,
            True,
            True,
        ]
        assert ("b" in seen, "c" in seen) == (True, False)


GROWTH = """
from sandbox_cli.batch.seen import Seen

def peak_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

with Seen() as seen:
    for number in range(60_000):
        seen.add(f"warm-{number:0100}")
    before = peak_kib()
    for number in range(200_000):
        assert seen.add(f"{number:0100}")
    print(peak_kib() - before)
"""


def test_many_ids_take_no_more_memory_than_few() -> None:
    """In a process of its own: where other tests have left room in memory, nothing has to grow."""
    done = subprocess.run([sys.executable, "-c", GROWTH], cwd=ROOT, capture_output=True, check=True)
    assert int(done.stdout) < 4096  # KiB, for 20 MB of ids


def test_ids_that_have_no_room_on_the_disk_are_told_of_in_words() -> None:
    with Seen() as seen, pytest.raises(HostError, match="the ids of the jobs can't be kept"):
        seen._database.execute("PRAGMA max_page_count = 9")
        for number in range(10_000):
            seen.add(f"{number:0100}")
