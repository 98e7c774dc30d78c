from __future__ import annotations

import pwd
from pathlib import Path

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.host.accounts import UID_RANGE, check_uid_range, firejail_user
from tests import accounts
from tests.accounts import Account
from tests.host.programs import only_root


@only_root
def test_an_account_with_a_home_of_its_own_is_taken() -> None:
    entry = accounts.tester()
    assert firejail_user(entry.pw_name) == (entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-such-account", "there is no account no-such-account"),
        ("root", "root is root"),
        ("nobody", "firejail refuses nobody"),
        ("daemon", "daemon has no home of its own (/usr/sbin)"),
    ],
)
def test_an_account_that_firejail_jobs_can_not_have_is_refused(name: str, reason: str) -> None:
    with pytest.raises(HostError, match=r"^firejail_user: ") as error:
        firejail_user(name)
    assert reason in error.value.message
    assert "useradd" in (error.value.hint or "")


def test_the_usual_range_is_free_here() -> None:
    check_uid_range(*UID_RANGE)


@pytest.mark.parametrize(
    ("first", "last"), [(0, 10), (10, 9), (-5, 5), (60000, 70000), (65534, 65534), (4294967290, 4294967295)]
)
def test_what_is_no_range_of_ordinary_uids_is_refused(first: int, last: int) -> None:
    with pytest.raises(HostError, match="is no range of ordinary uids"):
        check_uid_range(first, last)


def test_a_range_that_holds_an_account_is_refused() -> None:
    entry = next(entry for entry in pwd.getpwall() if 0 < entry.pw_uid < 65534)
    with pytest.raises(HostError, match=rf"holds the account {entry.pw_name} \({entry.pw_uid}\)"):
        check_uid_range(entry.pw_uid, entry.pw_uid)


@only_root
def test_a_range_that_containers_of_an_account_use_is_refused() -> None:
    name = accounts.tester().pw_name
    line = next((line for line in Path("/etc/subuid").read_text().splitlines() if line.startswith(f"{name}:")), None)
    if line is None:
        pytest.skip("useradd gave the tests' account no subordinate uids")
    _, first, count = line.split(":")
    with pytest.raises(HostError, match=f"holds uids that /etc/subuid gives to {name}"):
        check_uid_range(int(first) + int(count) - 1, int(first) + int(count))


def test_a_range_that_is_not_in_our_user_namespace_is_refused(as_user: Account) -> None:
    code = "from sandbox_cli.host.accounts import *; check_uid_range(*UID_RANGE)"
    done = as_user.run(["/usr/bin/unshare", "--map-root-user", as_user.python, "-c", code])
    assert b"HostError: uid_range 1900000000-1900065535 isn't mapped in this user namespace" in done.stderr
    assert done.returncode == 1


def test_the_usual_range_lies_beyond_those_of_systemd_and_below_the_signed_numbers() -> None:
    first, last = UID_RANGE
    assert 1879048191 < first < last < 2**31  # 524288-1879048191 are systemd's for containers
