"""firejail, really started: what it shows of a host, and what it says when it makes no jail."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import firejail
from tests.backends.given import policy, ro, rw, system_here
from tests.backends.jails import Jailer, faults, look, start

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.policy.model import Mount
    from tests.accounts import Account

REAL = pytest.mark.parametrize("jailer", ["firejail"], indirect=True)
ROOT = pytest.mark.parametrize("account", ["root"], indirect=True)
USER = pytest.mark.parametrize("account", ["user"], indirect=True)


@pytest.fixture
def folders(jailer: Jailer, as_user: Account) -> Iterator[dict[str, Path]]:
    """A folder of the job's in its home, in another home and below /opt, each with a file `which`."""
    if os.getuid() != 0:
        pytest.skip("only root can make folders there")
    home = Path(tempfile.mkdtemp(prefix="sandbox-home-", dir="/home"))
    home.chmod(0o755)
    parents = {"home": Path(as_user.home), "other": home, "opt": Path("/opt"), "var": Path("/var/lib")}
    made = {name: Path(tempfile.mkdtemp(prefix="backends-", dir=parent)) for name, parent in parents.items()}
    for name, path in made.items():
        (path / "which").write_text(name)
        shutil.copy("/bin/true", path / "program")
        for each in (path, path / "which"):
            os.chown(each, jailer.uid, jailer.gid)
    yield made
    for path in (*made.values(), home):
        shutil.rmtree(path)


@pytest.fixture
def shared_home() -> Iterator[Path]:
    """A home that everybody may read, as most are."""
    if os.getuid() != 0:
        pytest.skip("only root can make one")
    home = Path(tempfile.mkdtemp(prefix="sandbox-home-", dir="/home"))
    home.chmod(0o755)
    (home / "secret").write_text("secret")
    yield home
    shutil.rmtree(home)


@REAL
def test_single_folders_are_shown_and_their_neighbours_hidden(
    jailer: Jailer, directory: str, folders: dict[str, Path]
) -> None:
    parents = {path.parent for path in folders.values()}
    given = policy({**system_here(jailer.host), **{str(path): rw(str(path)) for path in folders.values()}})
    more = f"""
folders, parents = {[str(path) for path in folders.values()]!r}, {[str(path) for path in parents]!r}
seen["which"] = {{path: read(path + "/which") for path in folders}}
seen["beside"] = {{path: names(path) for path in parents}}
seen["inside"] = {{path: tried(path) for path in folders}}
seen["outside"] = {{path: tried(path) for path in parents}}
seen["ran"] = [os.spawnv(os.P_WAIT, path + "/program", ["true"]) for path in folders]
"""
    assert [gap for gap in jailer.backend.gaps(given, jailer.host) if gap["clause"].startswith("filesystem.")] == []
    seen = look(jailer, given, directory, more)
    assert seen["which"] == {str(path): name for name, path in folders.items()}
    assert set(seen["inside"].values()) == {"writable"}
    assert "writable" not in seen["outside"].values()
    assert seen["ran"] == [0] * len(folders)
    for parent, names in seen["beside"].items():
        known = {path.name for path in folders.values() if path.parent == Path(parent)}
        assert {name for name in names if name not in known} <= {".inputrc", ".bashrc"}  # copied from /etc/skel
    assert faults(seen, jailer.backend.render(given, jailer.host), directory) == []


@REAL
def test_a_read_only_folder_of_the_jobs_own_stays_as_it_is(
    jailer: Jailer, directory: str, folders: dict[str, Path]
) -> None:
    given = policy({**system_here(jailer.host), **{str(path): ro(str(path)) for path in folders.values()}})
    more = f'seen["inside"] = [tried(path) for path in {[str(path) for path in folders.values()]!r}]'
    seen = look(jailer, given, directory, more)
    assert seen["inside"] == ["Read-only file system"] * len(folders)
    assert faults(seen, jailer.backend.render(given, jailer.host), directory) == []


@REAL
def test_a_whole_home_can_be_shown(jailer: Jailer, directory: str, folders: dict[str, Path]) -> None:
    home = str(folders["home"].parent)
    given = policy({**system_here(jailer.host), home: rw(home)})
    more = f'seen["home"] = [{folders["home"].name!r} in names({home!r}), tried({home!r}), len(names("/home"))]'
    assert look(jailer, given, directory, more)["home"] == [True, "writable", 1]


@REAL
@pytest.mark.parametrize("shown", [["home"], ["other"], ["home", "other"]])
def test_beside_what_is_shown_of_a_home_no_other_home_is(
    jailer: Jailer, directory: str, folders: dict[str, Path], shown: list[str], shared_home: Path
) -> None:
    paths = [str(folders[name]) for name in shown]
    given = policy({**system_here(jailer.host), **{path: rw(path) for path in paths}})
    more = (
        f'seen["homes"] = [names("/home"), names({str(shared_home)!r}), [read(path + "/which") for path in {paths!r}]]'
    )
    homes, of_another, read = look(jailer, given, directory, more)["homes"]
    assert shared_home.name not in homes
    assert of_another == "No such file or directory"
    assert read == shown


@REAL
def test_homes_are_hidden(jailer: Jailer, directory: str, folders: dict[str, Path]) -> None:
    more = 'seen["homes"] = [names("/home"), names("/root")]'
    assert look(jailer, policy(system_here(jailer.host)), directory, more)["homes"] == ["Permission denied"] * 2


@REAL
@USER
def test_a_container_is_told_as_what_makes_no_jail(jailer: Jailer, directory: str) -> None:
    """Where firejail finds itself in a namespace of processes, it runs the program as it is."""
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    container = ("bwrap", "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--")
    words = ("setpriv", "--reuid", str(jailer.uid), "--regid", str(jailer.gid), "--clear-groups")
    around = (*(words if os.getuid() == 0 else ()), *container)
    ended = start(jailer, invocation, directory, "print('no jail')", around=around)
    assert (ended.status, ended.stdout) == (0, b"no jail\n")
    report = firejail.read(ended.status, ended.log)
    assert "existing sandbox was detected" in (report["failed"] or "")
    assert "bwrap or nsjail" in (report["hint"] or "")


def nested(folder: Path) -> Mapping[str, Mount]:
    return {str(folder.parent): ro(str(folder.parent)), str(folder): rw(str(folder))}


@REAL
def test_only_the_jobs_own_is_writable_in_what_is_read_only(
    jailer: Jailer, directory: str, folders: dict[str, Path]
) -> None:
    """firejail leaves what is somebody else's as it is, which the seal would see."""
    for folder in (folders["opt"], folders["home"]):
        given = policy({**system_here(jailer.host), **nested(folder)})
        assert [gap for gap in jailer.backend.gaps(given, jailer.host) if gap["clause"].startswith("filesystem.")] == []
        seen = look(jailer, given, directory, f"seen['inside'] = tried({str(folder)!r})")
        assert seen["inside"] == "writable"
        os.chown(folder, 0, 0)
        gaps = [gap for gap in jailer.backend.gaps(given, jailer.host) if gap["clause"].startswith("filesystem.")]
        assert [(gap["clause"], gap["level"]) for gap in gaps] == [(f"filesystem.{folder}", "none")]
        assert "the job's own" in gaps[0]["reason"]
        seen = look(jailer, given, directory)
        assert faults(seen, jailer.backend.render(given, jailer.host), directory) == []


@REAL
def test_what_is_anothers_in_a_home_is_a_gap_as_well(jailer: Jailer, folders: dict[str, Path]) -> None:
    home = folders["home"]
    os.chown(home, 0, 0)
    given = policy({**system_here(jailer.host), str(home): rw(str(home))})
    assert f"filesystem.{home}" in {gap["clause"] for gap in jailer.backend.gaps(given, jailer.host)}


@REAL
def test_a_name_with_two_dots_at_the_root_is_hidden_by_a_pattern_that_firejail_takes(
    jailer: Jailer, directory: str
) -> None:
    host = replace(jailer.host, root_entries=(*jailer.host.root_entries, "sandbox..none"))
    invocation = jailer.backend.render(policy(system_here(host)), host)
    assert start(jailer, invocation, directory, "print('made')").stdout == b"made\n"


@REAL
@USER
def test_no_new_privs_is_told(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    words = ("setpriv", "--reuid", str(jailer.uid), "--regid", str(jailer.gid), "--clear-groups")
    around = (*(words if os.getuid() == 0 else ()), "setpriv", "--no-new-privs")
    ended = start(jailer, invocation, directory, around=around)
    report = firejail.read(ended.status, ended.log)
    assert (report["failed"] or "").startswith("Error: cannot create /run/firejail/")
    assert "no_new_privs" in (report["hint"] or "")


@REAL
@ROOT
@pytest.mark.parametrize(
    ("uid", "words", "hint"),
    [
        (65534, "the user is not allowed to use Firejail", "firecfg --add-users"),
        (1_919_191_919, "getpwuid", "passwd entry"),
    ],
)
def test_accounts_that_firejail_refuses_are_told(jailer: Jailer, uid: int, words: str, hint: str) -> None:
    identity = ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]
    ended = subprocess.run([*identity, jailer.program, "/bin/true"], capture_output=True, check=False, cwd="/")
    report = firejail.read(ended.returncode, ended.stderr)
    assert words in (report["failed"] or "")
    assert hint in (report["hint"] or "")


@REAL
@pytest.mark.parametrize(
    ("line", "words", "hint"),
    [
        (b"newer-than-this", "is invalid", "too old"),
        (b"whitelist /usr/bin", "invalid whitelist path /usr/bin", None),
        (b"blacklist /a,b", 'rejected character: ","', None),
        (b"blacklist /a..b", "is invalid", None),
        (b"private-cwd /nonexistent", "unable to enter private working directory", "below /tmp"),
    ],
)
def test_lines_that_firejail_refuses_are_told(
    jailer: Jailer, directory: str, line: bytes, words: str, hint: str | None
) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    invocation["data"][0] += line + b"\n"
    ended = start(jailer, invocation, directory)
    report = firejail.read(ended.status, ended.log)
    assert words in (report["failed"] or "")
    assert (hint or "") in (report["hint"] or "")


@REAL
def test_a_launcher_that_cannot_be_executed_is_named(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    ended = start(jailer, invocation, directory, program=["/proc/self/fd/99"])
    assert "/proc/self/fd/99" in (firejail.read(ended.status, ended.log)["failed"] or "")


def test_the_chatter_of_a_good_run_is_no_failure() -> None:
    said = b"Reading profile /proc/self/fd/5\nWarning: cannot find /var/run/utmp\n\nParent is shutting down, bye...\n"
    assert firejail.read(0, said) == {"failed": None, "hint": None}
    assert firejail.read(None, said) == {"failed": None, "hint": None}


def test_a_missing_user_namespace_is_a_hint() -> None:
    report = firejail.read(None, b"Warning: cannot create a new user namespace, going forward without it...\n")
    assert report["failed"] is None
    assert "user.max_user_namespaces" in (report["hint"] or "")
