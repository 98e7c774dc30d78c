"""Where -o really writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox


def test_an_output_directory_that_the_job_replaces_by_a_link_gets_nothing(sandbox: Sandbox, shared_tmp: Path) -> None:
    work, home = shared_tmp / "work", shared_tmp / "home"
    for folder in (work, home):
        folder.mkdir()
        folder.chmod(0o777)  # root's job has an account of its own
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{work}: rw}}\n")
    swap = f"rmdir {work}/out && ln -s {home} {work}/out && echo evil >.profile"
    done = sandbox("exec", "-p", "./policy.yaml", "-o", "work/out", "--", "sh", "-c", swap, cwd=shared_tmp)
    assert done.returncode == 125
    assert f".: not returned: can't be saved: {work}/out: Not a directory".encode() in done.stderr
    assert list(home.iterdir()) == []


def test_an_output_directory_may_lie_behind_a_link(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "real").mkdir()
    (shared_tmp / "real").chmod(0o777)
    (shared_tmp / "link").symlink_to("real")
    assert sandbox("exec", "-o", "link/out", "--", "sh", "-c", "echo x >x", cwd=shared_tmp).returncode == 0
    assert (shared_tmp / "real" / "out" / "x").read_text() == "x\n"
