"""-o where there is no room, where nothing can be written, and where the job can write, too."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.accounts import AS_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.accounts import Sandbox


@contextmanager
def mounted(path: Path, owner: int, options: str) -> Iterator[Path]:
    """A tmpfs of its own at `path`."""
    if not AS_ROOT:
        pytest.skip("only root can mount a full or a read-only disk")
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options},uid={owner},mode=0755", "tmpfs", path], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", path], check=True)


def test_a_full_disk_gets_what_fits_and_no_half_file(sandbox: Sandbox, shared_tmp: Path, backend: str) -> None:
    script = "head -c 300000 /dev/zero >a; head -c 3000000 /dev/zero >b; echo small >c"
    with mounted(shared_tmp / "disk", sandbox.account.uid, "size=1m") as disk:
        done = sandbox("exec", "-b", backend, "-o", str(disk / "out"), "--", "sh", "-c", script)
        assert done.returncode == 125
        assert done.stderr.decode().splitlines() == [
            "sandbox: b: not returned: can't be saved: No space left on device",
            "hint: -o takes an empty or a new directory best: it needs room, and must be yours",
        ]
        assert {path.name: path.stat().st_size for path in (disk / "out").iterdir()} == {"a": 300_000, "c": 6}


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_read_only_directory_is_refused_before_anything_runs(
    sandbox: Sandbox, shared_tmp: Path, force: list[str]
) -> None:
    with mounted(shared_tmp / "disk", sandbox.account.uid, "ro") as disk:
        done = sandbox("exec", "-o", str(disk), *force, "--", "sh", "-c", "echo ran; echo >x")
        assert (done.returncode, done.stdout) == (125, b"")
        assert done.stderr.startswith(f"sandbox: -o '{disk}' can't be written\n".encode())


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_directory_that_the_job_can_write_is_no_way_out_of_it(
    sandbox: Sandbox, shared_tmp: Path, backend: str, force: list[str]
) -> None:
    """It fills the directory with links before its files are saved there."""
    shared, precious = shared_tmp / "shared", shared_tmp / "precious"
    for folder in (shared, precious):
        folder.mkdir()
        os.chown(folder, sandbox.account.uid, -1)
    shared.chmod(0o777)
    precious.chmod(0o777)
    (precious / "file").write_text("mine")
    (precious / "file").chmod(0o666)
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{shared}: rw}}\n")
    script = (
        f"cd {shared}/out && ln -s {precious} plots && ln -s {precious}/file file && ln -s {precious}/new new; "
        "cd; mkdir plots; for name in plots/file plots/new file new; do echo evil >$name; done"
    )
    (shared / "out").mkdir()
    (shared / "out").chmod(0o777)
    words = ["exec", "-b", backend, "-p", "./policy.yaml", "-o", "shared/out", *force, "--", "sh", "-c", script]
    done = sandbox(*words, cwd=shared_tmp)
    assert done.returncode == 125, done.stderr
    assert b"plots/file: not returned: can't be saved: " in done.stderr
    assert [(path.name, path.read_text()) for path in precious.iterdir()] == [("file", "mine")]
    replaced = [name for name in ("file", "new") if not (shared / "out" / name).is_symlink()]
    assert replaced == (["file", "new"] if force else [])
