"""A jail that is not what was planned never starts its program.

What is promised and not rendered is tried here; each thing that is rendered and weakened, in tests/weakening. A control
runs the plan as it is, so that a refusal can't have another reason.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import Driver

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Account

COMMAND = ["/bin/sh", "-c", "echo started > witness"]


def refused(outcome: dict[str, Any]) -> str:
    """The reason for which the jail was not used; asserts that nothing ran in it."""
    assert outcome["status"] == "sandbox-error", outcome
    assert outcome["artifacts"] == []
    message: str = outcome["error"]["message"]
    return message


def test_a_plan_that_promises_more_than_is_rendered_never_starts_its_program(backend: str, driver: Driver) -> None:
    plan = driver.plan({"command": COMMAND, "backend": backend})
    plan["seal"]["mounts"].append({"path": "/planned", "flags": ["ro"]})
    assert "the jail is not what was planned: /planned is not mounted" in refused(driver.run(plan=plan))


def test_a_jail_in_which_all_is_amiss_is_refused_in_a_sentence_that_ends(backend: str, driver: Driver) -> None:
    plan = driver.plan({"command": COMMAND, "backend": backend})
    plan["seal"]["mounts"] += [{"path": f"/planned/{number}", "flags": ["ro"]} for number in range(100)]
    said = refused(driver.run(plan=plan))
    assert said.count("is not mounted") == 8
    assert said.endswith("; and 92 more")


def test_the_plan_as_it_is_starts_its_program(backend: str, driver: Driver) -> None:
    outcome = driver.run({"command": COMMAND, "backend": backend})
    assert [each["path"] for each in outcome["artifacts"]] == [b"witness"]
    assert {"uid", "no_new_privs", "capabilities", "seccomp", "uid_map", "interfaces", "mounts"} <= set(
        outcome["receipt"]["seal"]
    )


@pytest.mark.parametrize("backend", ["firejail"], indirect=True)
def test_firejail_that_makes_no_jail_is_refused_though_it_starts_the_program(
    backend: str, as_root: Account, drivers: Any, shared_tmp: Path
) -> None:
    """Where it sees no threads of the kernel, firejail takes itself to be sandboxed: no jail, and not a word."""
    unshare = shutil.which("unshare", path="/usr/bin:/bin")
    assert unshare is not None
    inside = [unshare, "--pid", "--fork", "--mount-proc"]
    plan = drivers.of("root").plan({"command": COMMAND, "backend": backend})
    driver = Driver(as_root, drivers.script, inside)
    try:
        message = refused(driver.run(plan=plan))
    finally:
        driver.close()
    assert "no process namespace of its own" in message
