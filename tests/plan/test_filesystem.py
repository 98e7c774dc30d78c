from __future__ import annotations

from pathlib import Path

import pytest

from sandbox_cli.errors import HostError, RefusedError
from sandbox_cli.host.access import OTHERS, Account
from sandbox_cli.plan import filesystem
from sandbox_cli.policy.model import Mount
from tests.plan import made

BEHIND = """
import sys
from sandbox_cli.errors import HostError
from sandbox_cli.host import look
from sandbox_cli.plan import filesystem
from sandbox_cli.policy import load
from sandbox_cli.policy.model import Mount
mounts = {"/usr": Mount(mode="ro", source=sys.argv[1])}
try:
    filesystem.effective(load("_base").model_copy(update={"filesystem": mounts}), look([]))
except HostError as error:
    print(error)
"""


def ro(source):
    return Mount(mode="ro", source=str(source))


def effective(mounts, host=None, runtime=None):
    return filesystem.effective(made.policy(filesystem=mounts), host or made.host(root_links={}), runtime)


def test_parents_come_before_what_stands_in_them(tmp_path):
    for name in ("a", "a/b", "a-b"):
        (tmp_path / name).mkdir()
    mounts = {"/x/b": Mount(mode="tmpfs"), "/x-y": ro(tmp_path / "a-b"), "/x": ro(tmp_path / "a")}
    assert list(effective(mounts)) == ["/x", "/x/b", "/x-y"]


def test_an_optional_mount_that_is_missing_is_dropped(tmp_path):
    mounts = {"/usr": ro("/usr"), "/nothing": Mount(mode="ro", source=str(tmp_path / "none"), optional=True)}
    assert list(effective(mounts)) == ["/usr"]


def test_a_mount_that_is_missing_is_named_with_its_line(tmp_path):
    with pytest.raises(HostError) as error:
        effective({"/usr": ro(tmp_path / "none")})
    assert str(error.value) == f"filesystem./usr: {tmp_path / 'none'} is not there"
    assert error.value.hint == "say `optional: true`, or another `from`, in /policies/made.yaml:17"
    assert error.value.blame == {"clause": "filesystem./usr", "source": "file", "file": made.FILE, "line": 17}


def test_a_mount_behind_a_closed_folder_says_so(as_user, shared_tmp):
    (shared_tmp / "closed").mkdir(mode=0)
    (shared_tmp / "closed").chmod(0)
    done = as_user.run([as_user.python, "-c", BEHIND, str(shared_tmp / "closed/x")])
    (shared_tmp / "closed").chmod(0o700)  # for whoever tidies up
    assert done.stdout.decode() == f"filesystem./usr: {shared_tmp}/closed/x can't be reached by this account\n", done


def test_a_mount_without_a_source_shows_its_own_path():
    assert effective({"/usr": Mount(mode="ro")})["/usr"].source == "/usr"


def test_top_level_links_are_made_again_where_their_target_is_seen(tmp_path):
    (tmp_path / "bin").mkdir()
    host = made.host(root_links={"bin": "usr/bin", "lib": "usr/lib", "vmlinuz": "boot/vmlinuz"})
    mounts = effective({"/usr": ro(tmp_path)}, host)
    assert mounts == {"/bin": Mount(mode="symlink", source="usr/bin"), "/usr": ro(tmp_path)}


def test_a_link_to_a_folder_of_which_only_a_part_is_shown_is_made_again():
    host = made.host(root_links={"lib": "usr/lib"})
    assert effective({"/usr/lib/python3": ro("/usr")}, host)["/lib"] == Mount(mode="symlink", source="usr/lib")


def test_a_mount_written_where_the_host_has_a_link_becomes_that_link():
    host = made.host(root_links={"bin": "usr/bin"})
    if not Path("/bin").is_symlink():
        pytest.skip("/bin is a folder here")
    assert effective({"/usr": ro("/usr"), "/bin": ro("/bin")}, host)["/bin"] == Mount(mode="symlink", source="usr/bin")


def test_a_mount_written_where_the_host_has_a_link_stays_where_it_shows_something_else(tmp_path):
    host = made.host(root_links={"bin": "usr/bin"})
    assert effective({"/usr": ro("/usr"), "/bin": ro(tmp_path)}, host)["/bin"] == ro(tmp_path)


def test_a_mount_below_a_top_level_link_stands_where_the_link_leads():
    mounts = effective({"/bin/sh": ro("/usr/bin/env")}, made.host())
    assert mounts["/usr/bin/sh"] == ro("/usr/bin/env")
    assert mounts["/bin"] == Mount(mode="symlink", source="usr/bin")


def test_a_whole_root_is_taken_entry_by_entry_with_its_own_links(tmp_path):
    for name in ("usr", "opt", "proc", "dev", "sandbox", "tmp"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin").symlink_to("usr/bin")
    mounts = effective({"/": ro(tmp_path), "/tmp": Mount(mode="tmpfs")}, made.host())
    assert mounts == {
        "/bin": Mount(mode="symlink", source="usr/bin"),
        "/opt": ro(tmp_path / "opt"),
        "/tmp": Mount(mode="tmpfs"),
        "/usr": ro(tmp_path / "usr"),
    }


def test_a_whole_root_that_is_missing_is_named(tmp_path):
    with pytest.raises(HostError, match=r"filesystem\./: .*/none: No such file or directory"):
        effective({"/": ro(tmp_path / "none")})


def test_a_whole_root_that_is_missing_and_optional_leaves_the_rest(tmp_path):
    whole = Mount(mode="ro", source=str(tmp_path / "none"), optional=True)
    assert effective({"/": whole, "/usr": ro("/usr")}) == {"/usr": ro("/usr")}


def test_a_runtime_that_is_shown_already_adds_nothing(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").write_text("")
    mounts = {"/usr": ro(tmp_path)}
    assert effective(mounts, runtime=filesystem.Shown("/usr/bin/python3", "/usr")) == mounts


def test_a_runtime_that_is_not_shown_brings_its_prefix_read_only(tmp_path):
    runtime = filesystem.Shown(str(tmp_path / "py/bin/python3"), str(tmp_path / "py"))
    Path(runtime[1], "bin").mkdir(parents=True)
    Path(runtime[0]).write_text("")
    assert effective({"/usr": ro("/usr")}, runtime=runtime)[runtime[1]] == ro(runtime[1])


def test_a_runtime_whose_prefix_is_the_home_directory_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    for prefix in (tmp_path / "home", tmp_path, Path("/")):
        with pytest.raises(HostError, match="can't be shown without showing all of"):
            effective({"/usr": ro("/usr")}, runtime=filesystem.Shown(str(tmp_path / "home/python"), str(prefix)))


def test_a_mount_that_shows_what_is_there_already_is_dropped(tmp_path):
    (tmp_path / "zone").write_text("")
    (tmp_path / "localtime").symlink_to("zone")
    mounts = {"/srv": ro(tmp_path), "/srv/zone": ro(tmp_path / "zone"), "/srv/localtime": ro(tmp_path / "localtime")}
    assert effective(mounts) == {"/srv": ro(tmp_path)}


@pytest.mark.parametrize(("shown", "source"), [("real", "link"), ("other", "real/file")])
def test_a_link_of_the_host_is_named_by_what_it_leads_to_where_that_is_not_seen(tmp_path, shown, source):
    for name in ("real", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "real/file").write_text("")
    (tmp_path / "link").symlink_to("real/file")
    mounts = {str(tmp_path / "link"): Mount(mode="ro"), str(tmp_path / shown): Mount(mode="ro")}
    assert effective(mounts)[str(tmp_path / "link")].source == str(tmp_path / source)


def test_a_mount_of_another_mode_on_what_is_there_already_is_kept(tmp_path):
    (tmp_path / "data").mkdir()
    mounts = {"/srv": ro(tmp_path), "/srv/data": Mount(mode="rw", source=str(tmp_path / "data"))}
    assert effective(mounts) == mounts


def test_a_mount_on_a_link_within_another_mount_is_refused(tmp_path):
    (tmp_path / "localtime").symlink_to("/nowhere")
    with pytest.raises(HostError) as error:
        effective({"/etc": ro(tmp_path), "/etc/localtime": ro("/usr/bin/env")})
    assert str(error.value) == (
        "filesystem./etc/localtime: nothing can be mounted there, since /etc stands there as it is on the host"
        " and has a symbolic link of that name"
    )
    assert error.value.blame["clause"] == "filesystem./etc/localtime"


def test_a_mount_through_a_top_level_link_is_blamed_on_the_line_that_says_it(tmp_path):
    with pytest.raises(
        HostError, match=r"^filesystem\./bin/new: nothing can be mounted there, since /usr stands there"
    ):
        effective({"/usr": ro(tmp_path), "/bin/new": Mount(mode="tmpfs")}, made.host())


def test_a_mount_on_nothing_within_another_mount_is_refused(tmp_path):
    with pytest.raises(HostError, match=r"filesystem\./etc/new: nothing can be mounted there"):
        effective({"/etc": ro(tmp_path), "/etc/new": Mount(mode="tmpfs")})


@pytest.mark.parametrize("mode", ["ro", "rw"])
@pytest.mark.parametrize("hosts", ["missing", "folder", "link"])
def test_a_folder_in_which_a_made_file_would_have_to_be_made_is_refused(tmp_path, mode, hosts):
    (tmp_path / "passwd").touch()
    (tmp_path / "group").touch()
    if hosts == "folder":
        (tmp_path / "hosts").mkdir()
    elif hosts == "link":
        (tmp_path / "hosts").symlink_to("passwd")
    with pytest.raises(HostError, match=r"filesystem\./etc: /etc/hosts is made anew for each job") as error:
        effective({"/etc": Mount(mode=mode, source=str(tmp_path))})
    assert f"make an empty file {tmp_path}/hosts" in error.value.hint


def test_a_mount_in_a_tmpfs_is_kept(tmp_path):
    mounts = {"/tmp": Mount(mode="tmpfs"), "/tmp/data": ro(tmp_path)}
    assert effective(mounts) == mounts


@pytest.fixture
def closed(tmp_path):
    folder = tmp_path / "closed"
    (folder / "data").mkdir(parents=True)
    (folder / "file").write_text("")
    folder.chmod(0o700)
    return folder


def test_as_root_what_is_closed_to_the_jobs_account_is_bound_where_it_can_be_reached(closed):
    mounts = {"/data": ro(closed / "data"), "/file": ro(closed / "file"), "/usr": ro("/usr")}
    reached, binds = filesystem.reachable(mounts, OTHERS)
    assert [source for source, _ in binds] == [str(closed / "data"), str(closed / "file")]
    assert all(Path(target).parent == Path("/run/sandbox") for _, target in binds)
    assert reached == {"/data": ro(binds[0][1]), "/file": ro(binds[1][1]), "/usr": ro("/usr")}


def test_as_an_ordinary_user_nothing_is_bound_elsewhere(closed):
    mounts = {"/data": ro(closed / "data")}
    assert filesystem.reachable(mounts, None) == (mounts, [])


def test_what_is_open_to_the_owner_that_a_job_runs_as_is_not_bound_elsewhere(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    account = Account(tmp_path.stat().st_uid, frozenset())
    mounts = {"/data": ro(tmp_path / "closed")}
    assert filesystem.reachable(mounts, account) == (mounts, [])


def rw(source):
    return Mount(mode="rw", source=str(source))


@pytest.mark.parametrize("mode", ["ro", "rw"])
@pytest.mark.parametrize(
    ("outer", "inner", "where"),
    [("data", "data/a", "/elsewhere"), ("data", "data/a/b", "/data/a/b"), ("data", "link", "/elsewhere")],
)
def test_a_part_of_a_directory_that_a_job_may_write_is_not_mounted_a_second_time(tmp_path, mode, outer, inner, where):
    (tmp_path / "data/a/b").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data/a")
    mounts = {"/data": rw(tmp_path / outer), where: Mount(mode=mode, source=str(tmp_path / inner))}
    if where == "/data/a/b" and mode == "rw":
        assert list(effective(mounts)) == ["/data"]  # it is shown already
        return
    with pytest.raises(RefusedError) as error:
        effective(mounts)
    real = (tmp_path / inner).resolve()
    assert error.value.blame["clause"] == f"filesystem.{where}"
    assert str(error.value) == (
        f"filesystem.{where}: {real} lies in {tmp_path / outer}, which /data lets a job write: "
        "it could put a link in its place"
    )
    assert error.value.hint.startswith(f"mount the directory once: leave {where} out, or show /data `ro` (")


def test_what_a_job_can_not_move_may_be_mounted_apart(tmp_path):
    """A mount point can't be renamed, but a folder above it can."""
    (tmp_path / "data/a").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    mounts = {"/data": rw(tmp_path / "data"), "/data/a": ro(tmp_path / "data/a"), "/other": rw(tmp_path / "other")}
    assert list(effective(mounts)) == ["/data", "/data/a", "/other"]
    again = {**mounts, "/again": rw(tmp_path / "data")}
    with pytest.raises(RefusedError, match="which /again lets a job write"):
        effective(again)


@pytest.mark.parametrize("source", ["fs/cgroup", "fs/cgroup/delegated", "fs", "."])
def test_a_mount_that_lets_a_job_write_control_groups_is_refused(tmp_path, source):
    (tmp_path / "fs/cgroup/delegated").mkdir(parents=True)
    host = made.host(root_links={}, group_mounts=(str(tmp_path / "fs/cgroup"),))
    shown = tmp_path / source
    with pytest.raises(RefusedError) as error:
        effective({"/x": Mount(mode="rw", source=str(shown))}, host)
    said = f"{shown} would let a job write the control groups of {tmp_path}/fs/cgroup, which hold jobs to their limits"
    assert str(error.value) == f"filesystem./x: {said}"
    assert list(effective({"/x": ro(shown)}, host)) == ["/x"]


def test_a_mount_beside_the_control_groups_can_be_written(tmp_path):
    (tmp_path / "fs/cgroup-of-mine").mkdir(parents=True)
    host = made.host(root_links={}, group_mounts=(str(tmp_path / "fs/cgroup"),))
    mount = Mount(mode="rw", source=str(tmp_path / "fs/cgroup-of-mine"))
    assert effective({"/x": mount}, host) == {"/x": mount}
