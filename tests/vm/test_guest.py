"""Each way gives the tests in a guest what it promises."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.accounts import TESTER

WAY = os.environ.get("VM_WAY")
if WAY is None:
    pytest.skip("runs in a guest: make test-vm", allow_module_level=True)

GROUPS = Path("/sys/fs/cgroup")
SERVICE = "0::/system.slice/vm.service"
ACCOUNT = "root" if WAY in ("root", "service") else TESTER
SCOPES = {  # where systemd starts them
    "scope": ["systemd-run", "--user", "--scope", "-q", "-p", "Delegate=yes"],
    "service": ["systemd-run", "--scope", "-q", "-p", "Delegate=yes"],
}

in_scope = pytest.mark.skipif(WAY != "scope", reason="only the way `scope` has a session")


def own_group() -> str:
    return Path("/proc/self/cgroup").read_text().strip()


def attached() -> dict[str, Any]:
    """Under systemd an account may bound nothing but what it had started in a scope."""
    words = [*SCOPES.get(WAY, []), sys.executable, "-m", "tests.vm.attach"]
    found: dict[str, Any] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    return found


def test_cgroup_v2_alone_is_mounted_with_its_controllers() -> None:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    assert [mount[1] for mount in mounts if mount[2].startswith("cgroup")] == [str(GROUPS)]
    assert [mount[2] for mount in mounts if mount[1] == str(GROUPS)] == ["cgroup2"]
    assert {"cpu", "memory", "pids"} <= set((GROUPS / "cgroup.controllers").read_text().split())


def test_account_and_group_are_those_of_the_way() -> None:
    entry = pwd.getpwnam(ACCOUNT)
    assert (os.getuid(), os.getgid(), os.environ["HOME"]) == (entry.pw_uid, entry.pw_gid, entry.pw_dir)
    groups = {"root": "0::/", "delegated": "0::/delegated", "scope": SERVICE, "service": SERVICE}
    assert own_group() == groups[WAY]


def test_child_in_a_new_group_is_held_to_its_limits() -> None:
    before = own_group()
    found = attached()
    assert found["child"].removeprefix("0::") == f"{found['own']}/child".replace("/.", "")
    assert found["forks"] == "3"  # of four tasks
    assert (found["ended_by"], found["oom_kills"]) == ("SIGKILL", "1")
    assert own_group() == before


@in_scope
def test_scope_is_delegated_with_its_controllers() -> None:
    code = "from pathlib import Path; p = Path('/proc/self/cgroup').read_text().strip().removeprefix('0::/'); print(p);"
    code += "print((Path('/sys/fs/cgroup') / p / 'cgroup.controllers').read_text())"
    shown = subprocess.run(
        [*SCOPES["scope"], sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    path, *controllers = shown.split()
    assert path.startswith(f"user.slice/user-{os.getuid()}.slice/user@{os.getuid()}.service/")
    assert path.endswith(".scope")
    assert {"cpu", "memory", "pids"} <= set(controllers)


def test_folders_of_root_are_closed_to_the_ordinary_account() -> None:
    assert os.access("/root", os.R_OK | os.X_OK) == (ACCOUNT == "root")


def test_project_is_there_for_every_account() -> None:
    assert all(os.access(path, os.R_OK) for path in Path(__file__).parent.iterdir())


def test_host_is_out_of_reach_of_the_guests_root() -> None:
    if ACCOUNT != "root":
        pytest.skip("only root can mount")
    mounted = Path("/run/host")
    mounted.mkdir()
    subprocess.run(["mount", "-t", "hostfs", "-o", "rw,/", "none", mounted], check=True)
    try:
        for folder in ("", "tmp", "var/tmp", "srv", "proc/sys/kernel"):
            with pytest.raises(OSError, match=r"Read-only file system|Permission denied|Operation not permitted"):
                (mounted / folder / "made-by-a-guest").write_text("")
    finally:
        subprocess.run(["umount", mounted], check=True)
        mounted.rmdir()
