"""Ids on disk: each is new once."""

from __future__ import annotations

import resource

import pytest

from sandbox_cli.batch.seen import Seen
from sandbox_cli.errors import HostError


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


def test_many_ids_take_no_more_memory_than_few() -> None:
    with Seen() as seen:
        for number in range(60_000):
            seen.add(f"warm-{number:0100}")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(200_000):
            assert seen.add(f"{number:0100}")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 4096  # KiB, for 20 MB of ids


def test_ids_that_have_no_room_on_the_disk_are_told_of_in_words() -> None:
    with Seen() as seen, pytest.raises(HostError, match="the ids of the jobs can't be kept"):
        seen._database.execute("PRAGMA max_page_count = 9")
        for number in range(10_000):
            seen.add(f"{number:0100}")
