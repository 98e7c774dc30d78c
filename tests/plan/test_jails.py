"""What a policy's file system becomes, seen from within real jails."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

BOTH_BUT_FIREJAIL = pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)


@pytest.fixture
def look(sandbox, backend, shared_tmp):
    """Runs sh in a jail of the backend at hand, with these mounts beside those of `_base`."""
    policy = shared_tmp / "policy.yaml"

    def look(mounts: str, script: str):
        policy.write_text(f"extends: _base\nfilesystem: {{{mounts}}}\n")
        return sandbox("exec", "-p", str(policy), "-b", backend, "--", "sh", "-c", script)

    return look


@pytest.fixture
def folder(shared_tmp):
    """A folder with `file`, which every account can read."""
    folder = shared_tmp / "folder"
    folder.mkdir()
    (folder / "file").write_text("words\n")
    return folder


def test_a_top_level_link_leads_where_it_does_on_the_host(look):
    if not Path("/bin").is_symlink():
        pytest.skip("/bin is a folder here")
    done = look("", "readlink /bin && test -x /bin/sh")
    assert (done.returncode, done.stdout.decode()) == (0, f"{os.readlink('/bin')}\n"), done.stderr


def test_a_file_that_is_a_link_on_the_host_shows_what_it_leads_to(look):
    if not Path("/etc/localtime").is_symlink():
        pytest.skip("/etc/localtime is no link here")
    done = look("/etc/localtime: ro", "cat /etc/localtime")
    assert done.stdout == Path("/etc/localtime").read_bytes(), done.stderr


def test_a_link_within_a_folder_that_is_shown_needs_no_mount_of_its_own(look):
    if not Path("/etc/localtime").is_symlink():
        pytest.skip("/etc/localtime is no link here")
    done = look("/etc: ro, /etc/localtime: ro", "cat /etc/localtime")
    assert done.stdout == Path("/etc/localtime").read_bytes(), done.stderr


@BOTH_BUT_FIREJAIL
def test_a_host_path_stands_where_the_policy_says(look, folder):
    done = look(f"/data: {{from: {folder}}}", "cat /data/file")
    assert done.stdout == b"words\n", done.stderr


@pytest.mark.parametrize("backend", ["firejail"], indirect=True)
def test_firejail_is_refused_a_host_path_elsewhere(look, folder):
    done = look(f"/data: {{from: {folder}}}", "cat /data/file")
    assert done.returncode == 125
    assert re.search(rb"firejail +filesystem\./data +strict is required, it would be none", done.stderr)


@BOTH_BUT_FIREJAIL
def test_a_whole_root_is_shown_entry_by_entry(look, shared_tmp):
    root = shared_tmp / "root"
    (root / "opt").mkdir(parents=True)
    (root / "opt/file").write_text("other words\n")
    (root / "bin").symlink_to("usr/bin")
    for name in ("lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    done = look(f"/: {{from: {root}}}", "ls / && cat /opt/file")
    assert done.stdout.decode().split("\n")[-2] == "other words", done.stderr
    assert set(done.stdout.decode().split()) >= {"bin", "lib", "opt", "usr", "tmp", "proc", "dev", "sandbox"}
    assert b"home" not in done.stdout


@BOTH_BUT_FIREJAIL
@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_a_folder_closed_to_the_jobs_account_is_shown_to_it_where_root_says_so(look, folder, shared_tmp):
    shared_tmp.chmod(0o700)
    done = look(f"/data: {{from: {folder}}}, /file: {{from: {folder / 'file'}}}", "cat /data/file /file")
    assert done.stdout == b"words\nwords\n", done.stderr


def test_a_program_that_is_not_shown_ends_with_127(sandbox, backend):
    assert sandbox("exec", "-b", backend, "--", "nonesuch").returncode == 127
