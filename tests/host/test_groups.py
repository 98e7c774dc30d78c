"""Which control groups are found here, and what is said where none can be used."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.host import groups
from sandbox_cli.host.model import Groups, Problem
from tests.accounts import Account
from tests.run.groups_here import here

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    groups._find.cache_clear()
    yield
    groups._find.cache_clear()  # what was made up here is no fact for other tests


@pytest.fixture
def not_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An ordinary user's view, without a systemd of the user's own."""
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def version_2(root: Path, *names: str) -> Path:
    """A made-up tree of version 2; the group that is the last of `names`."""
    group = root
    for name in ("", *names):
        group = group / name
        group.mkdir(exist_ok=True)
        for file, text in {"controllers": "cpu memory pids", "procs": "", "subtree_control": ""}.items():
            (group / f"cgroup.{file}").write_text(text)
    return group


def test_what_is_found_holds_a_process_and_its_limits():
    found = here()
    assert {"memory", "processes", "cpu_time"} <= set(found.holds)
    assert groups._try(found) is None
    assert not [name for parent in found.parents.values() for name in os.listdir(parent) if f"-{os.getpid()}-" in name]


def test_a_tree_in_which_nothing_can_be_made_is_left_out_and_the_others_serve(tmp_path):
    found = here()
    if found.enforcer != "cgroup-v1":
        pytest.skip("version 2 has one tree")
    parents = found.parents | {"memory": str(tmp_path)}
    proved = groups._prove(groups._groups("cgroup-v1", parents))
    assert isinstance(proved, Groups)
    assert proved.parents.keys() == found.parents.keys() - {"memory"}
    assert set(proved.holds) == set(found.holds) - {"memory"}


def test_no_tree_that_works_is_a_problem_with_the_kernels_own_words(tmp_path):
    proved = groups._prove(groups._groups("cgroup-v1", {"pids": str(tmp_path), "memory": str(tmp_path)}))
    assert isinstance(proved, Problem)
    assert "no control group can be made for the job: No such file or directory" in proved.reason


def test_without_any_mount_it_says_how_to_mount_one(monkeypatch):
    monkeypatch.setattr(groups, "own_groups", dict)
    found = groups.find()
    assert found == Problem("no control groups are mounted here", "mount them: mount -t cgroup2 none /sys/fs/cgroup")


def test_version_1_is_for_root_alone_and_says_what_helps(monkeypatch, tmp_path, not_root):
    monkeypatch.setattr(groups, "own_groups", lambda: {"memory": str(tmp_path), "": str(tmp_path / "unified")})
    monkeypatch.setattr(os, "access", lambda *_: False)
    found = groups.find()
    assert isinstance(found, Problem)
    assert found.reason == "control groups of version 1 are for root alone"
    assert "systemd.unified_cgroup_hierarchy=1" in found.fix


FIND = "from sandbox_cli.host.groups import find; print(find())"
NO_SYSTEMD = "mount -t tmpfs none /run"  # else it would be asked for a scope
READ_ONLY = "for tree in $(awk '$3 ~ /^cgroup/ {print $2}' /proc/mounts); do mount -o remount,bind,ro $tree; done"


def test_root_in_a_container_with_groups_that_are_read_only_is_told_so(as_root: Account):
    script = f'{NO_SYSTEMD} && {READ_ONLY} && exec "$@"'
    done = as_root.run(["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "-", as_root.python, "-c", FIND])
    assert b"the control groups are mounted read-only here" in done.stdout, done.stderr
    assert b"run --privileged" in done.stdout


def test_root_of_a_user_namespace_is_told_whose_the_groups_are(as_user: Account):
    before = ["/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c", f'{NO_SYSTEMD} && exec "$@"', "-"]
    done = as_user.run([*before, as_user.python, "-c", FIND])
    if done.stdout.startswith(b"Groups("):
        pytest.skip("this account has groups of its own")
    assert b"the control groups belong to a root outside of this user namespace" in done.stdout, done.stderr


def test_a_hybrid_host_is_version_1(monkeypatch, tmp_path, not_root):
    version_2(tmp_path)
    (tmp_path / "cgroup.controllers").write_text("hugetlb\n")
    monkeypatch.setattr(groups, "own_groups", lambda: {"": str(tmp_path), "memory": "/nonexistent"})
    found = groups.find()
    assert isinstance(found, Problem)
    assert "version 1" in found.reason


@pytest.mark.parametrize(
    ("names", "mark", "divided"),
    [
        (["handed-on"], None, ["handed-on"]),
        (["handed-on", "supervisor"], None, ["handed-on"]),
        (["a.service"], None, None),
        (["a.service"], b"1", ["a.service"]),
        (["a.service", "supervisor"], b"1", ["a.service"]),
        (["a.service", "supervisor"], None, None),
        (["session-1.scope"], None, None),
    ],
)
def test_a_unit_of_systemds_is_divided_only_where_it_says_that_it_handed_it_on(
    monkeypatch, tmp_path, not_root, names, mark, divided
):
    own = version_2(tmp_path, *names)
    monkeypatch.setattr(groups, "_is_marked", lambda group: mark is not None and "supervisor" not in group)
    assert groups._delegated(str(own)) == (str(tmp_path.joinpath(*divided)) if divided else None)


def test_an_ordinary_user_of_version_2_is_told_the_command_that_hands_a_group_on(monkeypatch, tmp_path, not_root):
    own = version_2(tmp_path / "cgroup", "session-1.scope")
    monkeypatch.setattr(groups, "own_groups", lambda: {"": str(own)})
    monkeypatch.setattr(groups, "SYSTEMD", tmp_path / "none")
    found = groups.find()
    assert isinstance(found, Problem)
    assert "no control group is handed on to this account" in found.reason
    assert found.fix.startswith("sudo sh -c '")
    assert f"mkdir -p {tmp_path}/cgroup/sandbox-" in found.fix


def test_with_systemd_an_ordinary_user_is_told_how_to_get_one_of_its_own(monkeypatch, tmp_path, not_root):
    own = version_2(tmp_path / "cgroup", "session-1.scope")
    monkeypatch.setattr(groups, "own_groups", lambda: {"": str(own)})
    monkeypatch.setattr(groups, "SYSTEMD", tmp_path)
    found = groups.find()
    assert isinstance(found, Problem)
    assert found.fix.startswith("sudo loginctl enable-linger ")


def test_threads_that_look_at_once_look_once(monkeypatch):
    """Two would ask systemd for the same scope, and one would be refused it."""
    looks: list[int] = []

    def slowly() -> dict[str, str]:
        looks.append(1)
        time.sleep(0.1)
        return {}

    monkeypatch.setattr(groups, "own_groups", slowly)
    threads = [threading.Thread(target=groups.find) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(looks) == 1


def test_the_main_process_of_a_unit_is_not_taken_out_of_it(monkeypatch, tmp_path, not_root):
    own = version_2(tmp_path / "cgroup", "agent.service")
    (tmp_path / "bus").touch()
    monkeypatch.setattr(groups, "own_groups", lambda: {"": str(own)})
    monkeypatch.setattr(groups, "_is_main_process", lambda own: True)
    found = groups.find()
    assert found == Problem(
        "this is the main process of agent.service", "systemctl edit agent.service: [Service] Delegate=yes"
    )
