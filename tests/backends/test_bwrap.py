"""bwrap: its gaps. What it says when it makes no jail is in test_reports.py."""

from __future__ import annotations

from sandbox_cli.backends import bwrap
from tests.backends.given import fixed_host, policy


def test_an_ordinary_user_gets_no_strict_bound_on_files() -> None:
    (gap,) = bwrap.gaps(policy(), fixed_host())
    assert (gap["clause"], gap["level"]) == ("limits.scratch_files", "sampled")


def test_root_gets_everything_strictly() -> None:
    assert bwrap.gaps(policy(), fixed_host(root=True)) == []


def test_what_is_not_bounded_is_no_gap() -> None:
    assert bwrap.gaps(policy(limits={"scratch_files": None}), fixed_host()) == []
