from __future__ import annotations

import json
import os
from typing import Any

import pytest

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host import look
from sandbox_cli.host.facts import kernel_version
from tests import accounts
from tests.accounts import Account
from tests.host.programs import backend_like, only_root

WANTED = [BACKENDS["bwrap"], BACKENDS["firejail"]]
LOOK = (
    "import json, sys; from dataclasses import asdict; from sandbox_cli.host import look; "
    "from sandbox_cli.backends import bwrap; print(json.dumps(asdict(look([bwrap]))))"
)


def test_the_root_folder_is_told_with_its_links() -> None:
    host = look([])
    assert sorted(host.root_entries) == sorted(os.listdir("/"))
    assert host.root_links == {name: os.readlink(f"/{name}") for name in os.listdir("/") if os.path.islink(f"/{name}")}


def test_kernel_and_machine_are_those_that_run() -> None:
    host = look([])
    assert os.uname().release.startswith("{}.{}".format(*host.kernel))
    assert (host.machine, host.kernel) == (os.uname().machine, kernel_version())


def test_only_the_wanted_jailers_are_looked_for() -> None:
    assert look([]).jailers == {}
    assert set(look([backend_like("bwrap", PROGRAMS=["no-such-jailer"], WHEEL=None)]).jailers) == set()


def test_each_account_sees_itself(account: str, request: pytest.FixtureRequest) -> None:
    someone: Account = request.getfixturevalue(f"as_{account}")
    host: dict[str, Any] = json.loads(someone.run([someone.python, "-c", LOOK]).stdout)
    assert (host["uid"], host["gid"]) == (someone.uid, someone.gid)
    assert host["home"] == someone.home
    assert host["firejail_user"] is None
    assert host["nproc_in_namespace"] is (kernel_version() >= (5, 14))


@only_root
def test_root_without_an_account_for_firejail_is_told_how_to_set_one() -> None:
    found = look([backend_like("firejail", PROGRAMS=["true"])], path="/usr/bin").jailers["firejail"]
    assert found.problem == "/usr/bin/true isn't set-uid root"
    real = look(WANTED).jailers.get("firejail")
    if real is None:
        pytest.skip("firejail is not installed")
    assert "firejail_user isn't set" in (real.problem or "")
    assert "/etc/sandbox/config.yaml" in (real.fix or "")


@only_root
def test_roots_account_for_firejail_is_a_fact_of_the_host() -> None:
    entry = accounts.tester()
    host = look(WANTED, firejail_user=entry.pw_name)
    assert host.firejail_user == (entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)
    assert all(jailer.problem is None for jailer in host.jailers.values())


@only_root
def test_an_account_that_firejail_refuses_is_the_jailers_problem() -> None:
    host = look(WANTED, firejail_user="nobody")
    assert host.firejail_user is None
    assert "firejail refuses nobody" in (host.jailers["firejail"].problem or "")
    assert host.jailers["bwrap"].problem is None


@only_root
def test_a_range_of_uids_that_is_taken_is_the_problem_of_every_jailer_that_uses_it() -> None:
    host = look(WANTED, uid_range=(1, 100), firejail_user=accounts.tester().pw_name)
    assert "uid_range 1-100 holds the account" in (host.jailers["bwrap"].problem or "")
    assert host.jailers["firejail"].problem is None
    assert not host.nproc_in_namespace


def test_a_look_imports_nothing_heavy(as_user: Account) -> None:
    code = "import sys, sandbox_cli.host; print(*sys.modules)"
    modules = as_user.run([as_user.python, "-c", code]).stdout.decode().split()
    assert "sandbox_cli.host.jailers" in modules
    assert not {"pydantic", "yaml", "jinja2", "rich", "typer", "psutil", "asyncio"} & set(modules)
