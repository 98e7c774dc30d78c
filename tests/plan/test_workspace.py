"""-C: which directories a job may work in, and how they stand among the policy's own mounts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.errors import RefusedError, UsageError
from sandbox_cli.plan import workspace
from sandbox_cli.plan.workspace import Workspace
from sandbox_cli.policy.model import Mount
from tests.accounts import AS_ROOT
from tests.plan import made

RW = made.policy(workspace="rw")


def of(option: str, **host: Any) -> Workspace:
    found = workspace.of_job(option, RW, made.host(**host))
    assert found is not None
    return found


def at(path: str, mode: Any = "rw") -> Workspace:
    return Workspace(path, mode, {path: Mount(mode=mode, source=path)}, [], None)


def test_nothing_is_asked_for() -> None:
    assert workspace.of_job(None, RW, made.host()) is None


def test_relative_path_through_a_link_is_told_without_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert (of("link").directory, of("link:ro").mode, of("./real/:rw").mode) == (f"{tmp_path}/real", "ro", "rw")


def test_name_with_a_colon_that_exists_is_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "a:ro").mkdir()
    assert of(f"{tmp_path}/a:ro") == of(f"{tmp_path}/a:ro:rw")
    assert of(f"{tmp_path}/a:ro").mode == "rw"


@pytest.mark.parametrize("name", ["nope", "", "file", "a\nb", b"\xff", "\0"])
def test_what_is_no_directory_of_a_plain_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    for folder in (b"a\nb", b"\xff"):
        os.mkdir(folder)
    with pytest.raises(UsageError):
        of(os.fsdecode(name))


@pytest.mark.parametrize(
    "path", ["/", "/tmp", "/var/tmp", "/home", "/usr", "/etc/ssl", "/proc/self", "/sys/fs", "/dev/shm", "/run", "/boot"]
)
@pytest.mark.parametrize("mode", ["", ":ro"])
def test_the_systems_own_directories_are_refused(path: str, mode: str) -> None:
    if Path(path).exists():
        with pytest.raises(RefusedError, match="system's own"):
            of(path + mode)


def test_directory_that_holds_control_groups_is_refused(tmp_path: Path) -> None:
    (tmp_path / "groups").mkdir()
    for path in (tmp_path, tmp_path / "groups"):
        with pytest.raises(RefusedError, match="control groups"):
            of(f"{path}:ro", group_mounts=(f"{tmp_path}/groups",))


def test_scratch_of_another_job_is_refused(tmp_path: Path) -> None:
    scratch = Path("/tmp", f"sandbox-0-1-{os.getpid()}-{os.urandom(6).hex()}")
    scratch.mkdir()
    try:
        with pytest.raises(RefusedError, match="scratch of another job"):
            of(str(scratch))
    finally:
        scratch.rmdir()


def test_policy_that_says_nothing_allows_none(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="allows no directory") as caught:
        workspace.of_job(str(tmp_path), made.policy(), made.host())
    assert caught.value.blame is not None
    assert caught.value.blame["clause"] == "workspace"


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
@pytest.mark.parametrize(("uid", "why"), [(0, "belongs to root"), (65534, "daemons share")])
def test_root_has_no_job_of_a_special_account(tmp_path: Path, uid: int, why: str) -> None:
    os.chown(tmp_path, uid, uid)
    with pytest.raises(RefusedError, match=why):
        of(str(tmp_path), uid=0)


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
def test_root_has_no_job_of_an_account_of_jobs(shared_tmp: Path) -> None:
    os.chown(shared_tmp, 1900000000, 1900000000)
    found = of(str(shared_tmp), uid=0)
    assert found.owner == (1900000000, 1900000000)
    with pytest.raises(RefusedError, match="uid_range"):
        workspace.refuse_accounts_of_jobs(found, (1900000000, 1900065535))


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
def test_directory_that_its_owner_cant_reach_is_refused(shared_tmp: Path) -> None:
    inner = shared_tmp / "closed" / "inner"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    os.chown(inner, 1234, 1234)
    with pytest.raises(RefusedError, match="closed to uid 1234"):
        of(str(inner), uid=0)


def test_mounts_stand_parents_first() -> None:
    mounts = {"/usr": Mount(mode="ro", source="/usr"), "/tmp": Mount(mode="tmpfs")}
    assert list(workspace.stand(at("/srv/p"), mounts, RW)) == ["/srv/p", "/tmp", "/usr"]
    assert list(workspace.stand(at("/tmp/p"), mounts, RW)) == ["/tmp", "/tmp/p", "/usr"]


@pytest.mark.parametrize(
    ("mount", "path", "mode", "why"),
    [
        (Mount(mode="ro", source="/srv"), "/srv/p", "rw", "shows read-only"),
        (Mount(mode="ro", source="/opt"), "/srv/p", "ro", "as something else"),
        (Mount(mode="ro", source="/srv"), "/srv", "rw", "mounts it by itself"),
        (Mount(mode="tmpfs"), "/srv", "rw", "mounts it by itself"),
        (Mount(mode="symlink", source="opt"), "/srv", "ro", "mounts it by itself"),
        (Mount(mode="symlink", source="opt"), "/srv/p", "ro", "as something else"),
    ],
)
def test_mount_in_the_way_is_refused_with_its_line(mount: Mount, path: str, mode: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why) as caught:
        workspace.stand(at(path, mode), {"/srv": mount}, RW)
    assert caught.value.blame is not None
    assert caught.value.blame["clause"] == "filesystem./srv"


@pytest.mark.parametrize(
    ("mount", "mode", "stands"),
    [
        (Mount(mode="ro", source="/srv/p/data"), "ro", True),
        (Mount(mode="ro", source="/srv/p/data"), "rw", False),
        (Mount(mode="rw", source="/srv/p/data"), "ro", False),
        (Mount(mode="tmpfs"), "ro", False),
    ],
)
def test_mount_within_is_refused_unless_it_shows_the_same(mount: Mount, mode: str, *, stands: bool) -> None:
    mounts = {"/srv/p/data": mount}
    if stands:
        assert workspace.stand(at("/srv/p", mode), mounts, RW).keys() == {"/srv/p", "/srv/p/data"}
    else:
        with pytest.raises(RefusedError, match="/srv/p/data lies in it"):
            workspace.stand(at("/srv/p", mode), mounts, RW)


def test_home_is_known(tmp_path: Path) -> None:
    host = made.host(home=str(tmp_path / "home"))
    assert workspace.is_home(str(tmp_path), host)
    assert workspace.is_home(str(tmp_path / "home"), host)
    assert not workspace.is_home(str(tmp_path / "home" / "project"), host)
