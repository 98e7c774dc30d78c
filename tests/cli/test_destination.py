"""The directory of -o is there when a job ran, and nothing of it is when none did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox_cli.cli.destination import destination
from sandbox_cli.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_directory_made_for_a_job_that_could_not_run_is_gone_again(
    sandbox: Sandbox, shared_tmp: Path, needs: Callable[[str], None]
) -> None:
    needs("firejail")
    # firejail opens a part of what it closed only to the part's owner, which the seal sees.
    (shared_tmp / "nested.yaml").write_text("extends: command\nfilesystem: {/var/lib: ro, /var/lib/dpkg: rw}\n")
    words = ["-b", "firejail", "-p", str(shared_tmp / "nested.yaml"), "--", "true"]
    done = sandbox("exec", "-o", "new/deep", *words, cwd=shared_tmp)
    assert done.returncode == 125
    assert not (shared_tmp / "new").exists()


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_directory_stays_for_a_job_that_left_nothing_and_failed(sandbox: Sandbox, shared_tmp: Path) -> None:
    assert sandbox("exec", "-o", "new/deep", "--", "false", cwd=shared_tmp).returncode == 1
    assert list((shared_tmp / "new" / "deep").iterdir()) == []


def test_what_was_there_before_stays_whatever_happens(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(HostError), destination(str(tmp_path / "old" / "new")) as place:
        assert place.path == tmp_path / "old" / "new"
        raise HostError("no room")
    assert list(tmp_path.iterdir()) == [tmp_path / "old"]
    assert list((tmp_path / "old").iterdir()) == []


def test_new_directory_that_holds_something_stays(tmp_path: Path) -> None:
    with pytest.raises(HostError), destination(str(tmp_path / "a" / "b")):
        (tmp_path / "a" / "b" / "saved").write_text("x")
        raise HostError("no room")
    assert (tmp_path / "a" / "b" / "saved").read_text() == "x"
