from __future__ import annotations

import resource

import pytest

from sandbox_cli.plan import identity, levels
from tests.plan import made

RANGE = (1_900_000_000, 1_900_065_535)


def test_an_ordinary_user_is_itself():
    host = made.host(uid=4_000_000_000, gid=7)
    assert identity.account(host, "bwrap", RANGE) == {
        "root": False, "uid": host.uid, "gid": 7, "uid_range": RANGE, "home": "/",
    }  # fmt: skip


def test_the_jailers_home_is_the_accounts_own():
    assert identity.account(made.host(home="/var/lib/me"), "firejail", RANGE)["home"] == "/var/lib/me"


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"])
def test_roots_jobs_get_an_account_of_the_range(backend):
    host = made.host(uid=0, gid=0, firejail_user=("jobs", 990, 991, "/var/lib/jobs"))
    account = identity.account(host, backend, RANGE)
    assert account == {"root": True, "uid": None, "gid": None, "uid_range": RANGE, "home": "/"}


def test_roots_firejail_jobs_get_the_account_that_is_configured():
    host = made.host(uid=0, gid=0, firejail_user=("jobs", 990, 991, "/var/lib/jobs"))
    account = identity.account(host, "firejail", RANGE)
    assert account == {"root": True, "uid": 990, "gid": 991, "uid_range": RANGE, "home": "/var/lib/jobs"}


def bounds(policy, host=None, spare=2):
    return dict(identity.rlimits(policy, levels.levels(policy, host or made.host(), []), spare))


def test_rlimits_follow_the_limits():
    assert bounds(made.policy(limits={"cpu_time": (1.5, None)})) == {
        resource.RLIMIT_CORE: 1,
        resource.RLIMIT_FSIZE: 64 << 20,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_NPROC: 64 + 2,
        resource.RLIMIT_CPU: 3,
    }


def test_what_is_not_bounded_has_no_rlimit():
    open_ended = dict.fromkeys(("cpu_time", "file_size", "open_files", "processes"), (None, None))
    assert bounds(made.policy(limits=open_ended)) == {resource.RLIMIT_CORE: 1}


def test_a_kernel_that_counts_the_whole_account_gets_no_rlimit_of_processes():
    assert resource.RLIMIT_NPROC not in bounds(made.policy(), made.host(nproc_in_namespace=False))
