"""What `sandbox doctor` says of the groups of each way, and that the command that it names does what it says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.accounts import Account

WAY = os.environ.get("VM_WAY")
if WAY is None:
    pytest.skip("runs in a guest: make test-vm", allow_module_level=True)

ENFORCER = {"root": "cgroup-v2", "delegated": "cgroup-v2", "scope": "systemd-scope", "service": "systemd-scope"}
PATIENCE_S = 60


def levels(answer: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Level and holder of each limit that a group may hold, on bwrap."""
    rows = {row["clause"]: (row["level"], row["enforced_by"]) for row in answer["backends"][0]["clauses"]}
    return {name: rows[f"limits.{name}"] for name in ("memory", "processes", "cpu_time")}


@pytest.fixture
def own(request: pytest.FixtureRequest) -> Account:
    account: Account = request.getfixturevalue("as_root" if os.geteuid() == 0 else "as_user")
    return account


def test_the_groups_of_the_way_are_found_and_hold_every_backend(own: Account) -> None:
    answer = json.loads(own.run([own.python, "-m", "sandbox_cli", "doctor", "--json"], timeout=PATIENCE_S).stdout)
    enforcer = ENFORCER[str(WAY)]
    assert answer["host"]["groups"] == {
        "enforcer": enforcer, "holds": ["cpu_time", "cpus", "memory", "processes"], "problem": None, "fix": None,
    }  # fmt: skip
    assert levels(answer) == {
        "memory": ("strict", enforcer), "processes": ("strict", enforcer), "cpu_time": ("sampled", enforcer),
    }  # fmt: skip
    assert [each["usable"] for each in answer["backends"]] == [True, True, True]


@pytest.mark.skipif(WAY != "root", reason="root hands the group on")
def test_the_command_that_doctor_names_makes_memory_strict_for_an_ordinary_user(as_user: Account) -> None:
    doctor = [as_user.python, "-m", "sandbox_cli", "doctor", "--json"]
    answer = json.loads(as_user.run(doctor, timeout=PATIENCE_S).stdout)
    assert answer["host"]["groups"]["enforcer"] is None
    assert levels(answer)["memory"] == ("sampled", "sampler")
    fix = answer["host"]["groups"]["fix"]
    assert fix.startswith("sudo sh -c '")

    # In the shell that starts the job, as the words say; here it waits until root has done what they say.
    shell = as_user.popen(["sh", "-c", 'read word; exec "$@"', "sh", *doctor], stdin=-1, stdout=-1)
    assert shell.stdin is not None
    said = fix.removeprefix("sudo ").partition(", in the shell")[0].replace("'$$'", str(shell.pid))
    subprocess.run(said, shell=True, check=True)
    assert "/sandbox-" in Path(f"/proc/{shell.pid}/cgroup").read_text()
    strict = json.loads(shell.communicate(b"go\n", timeout=PATIENCE_S)[0])
    assert strict["host"]["groups"]["enforcer"] == "cgroup-v2"
    assert levels(strict)["memory"] == ("strict", "cgroup-v2")
