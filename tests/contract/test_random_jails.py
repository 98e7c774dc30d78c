"""Whatever policy hypothesis comes up with, the jail is it, or it is refused by the clauses that can't be held.

`SANDBOX_TESTS_EXAMPLES=1000` looks for others than the few that every run of the suite tries.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from sandbox_cli import policy as policies
from tests.contract import firejail_picture
from tests.contract.case import Case
from tests.contract.looking import differences, seen
from tests.contract.random_policies import Wish, wishes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Account
    from tests.contract.conftest import Driver, Drivers

EXAMPLES = int(os.environ.get("SANDBOX_TESTS_EXAMPLES", "0"))
few = settings(
    max_examples=EXAMPLES or 10,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def compared(wish: Wish, backend: str, account: Account, driver: Driver, tree: Path) -> None:
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    text, _ = wish.made(tree)
    (tree / "policy.yaml").write_text(text)
    case = Case(
        policies.load(f"{tree}/policy.yaml"), backend, account, environment=wish.given, arguments=wish.arguments
    )
    before = sorted(tree.rglob("*"))
    outcome = driver.run({"command": case.command, "policy": f"{tree}/policy.yaml", "backend": backend}, case.work)
    assert sorted(tree.rglob("*")) == before, "something was made on the host"
    if clauses := refused(case):
        assert outcome.get("refused") == "RefusedError", outcome
        assert {gap["clause"] for gap in outcome["gaps"]} == clauses
        return
    assert differences(case, seen(outcome)) == {}


def refused(case: Case) -> set[str]:
    """The clauses that the backend can't hold: of nsjail none."""
    if case.firejail:
        return firejail_picture.refused(case)
    return {f"filesystem.{path}" for path, mount in case.mounts.items() if mount.noexec and case.backend == "bwrap"}


@pytest.fixture
def who(account: str, request: pytest.FixtureRequest) -> Account:
    found: Account = request.getfixturevalue(f"as_{account}")
    return found


@few
@given(wish=wishes())
def test_an_odd_policy_is_what_the_jail_is_or_is_refused_by_its_clauses(
    wish: Wish, backend: str, who: Account, drivers: Drivers, shared_tmp: Path
) -> None:
    compared(wish, backend, who, drivers.of(who.name), shared_tmp / "tree")


@few
@given(wish=wishes(calm=True))
@pytest.mark.parametrize("backend", ["firejail"], indirect=True)
def test_a_policy_that_firejail_can_hold_is_what_its_jail_is(
    wish: Wish, backend: str, who: Account, drivers: Drivers, shared_tmp: Path
) -> None:
    compared(wish, backend, who, drivers.of(who.name), shared_tmp / "tree")
