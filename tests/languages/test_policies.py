"""The tests of every shipped policy: on every backend they pass, and a policy that is weakened fails its own."""

from __future__ import annotations

import json
import shutil
import socket
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.policy import places
from sandbox_cli.policy.guard import Guard
from sandbox_cli.policy.testfile import read_tests
from sandbox_cli.testing.denial import STOPPED, TIMED
from tests.conftest import CI
from tests.languages.shipped import HEAVY

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox_cli.policy.testfile import Expected
    from tests.accounts import Sandbox

NAMES = [path.stem for path in places.built_in()]
GROUPS = 6  # one command for some of them: to start it takes as long as a dozen tests
FEW = ["_base", "python", "c"]
WEAKENED = {
    "network": ("network: host", {"has a network of its own, with nobody on it", "reaches itself, and nobody else"}),
    "usr": ("filesystem: {/usr: rw}", {"changes nothing in usr"}),
    "home": ("filesystem: {/home: ro}", {"sees no home"}),
    "etc": ("filesystem: {/etc: ro}", {"sees nothing else of the host's etc"}),
    "filter": ("syscalls: {deny: []}", {"is kept from what the filter refuses", "traces nobody"}),
    "limits": ("limits: {memory: 16GiB}", {"more than the maximum can't be asked for"}),
}

user = pytest.mark.parametrize("account", ["user"], indirect=True)
root = pytest.mark.parametrize("account", ["root"], indirect=True)


def outcomes(sandbox: Sandbox, *words: str, code: int = 0) -> list[dict[str, Any]]:
    """What came of each test on each backend; in CI nothing may be missing that is installed there."""
    done = sandbox("policy", "test", "--json", *words, timeout=300)
    assert done.stderr == b""
    found: list[dict[str, Any]] = json.loads(done.stdout)["tests"]
    wrong = [each for each in found if each["verdict"] == "failed"]
    assert done.returncode == code, wrong
    skipped = {(each["policy"], each["reason"]) for each in found if each["verdict"] == "skipped"}
    assert not CI or {policy for policy, _ in skipped} <= set(HEAVY), skipped
    return found


@user
@pytest.mark.parametrize("group", range(GROUPS))
def test_every_shipped_policy_passes_its_tests_on_every_backend(sandbox: Sandbox, group: int) -> None:
    names = NAMES[group::GROUPS]
    found = outcomes(sandbox, *names)
    assert {each["policy"] for each in found} == set(names)


@root
def test_a_few_pass_them_as_root(sandbox: Sandbox) -> None:
    outcomes(sandbox, *FEW)


@root
def test_every_language_passes_its_selftest_as_root_on_every_backend(sandbox: Sandbox) -> None:
    found = outcomes(sandbox, "-k", "selftest")
    assert {each["name"] for each in found} == {"selftest"}


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_policy_has_tests_for_what_it_allows_and_for_what_it_denies(name: str) -> None:
    tests = read_tests(places.BUILT_IN / f"{name}.test.yaml", guarded=Guard.NONE)
    kinds = [is_denial(each.expected) for each in tests]
    assert kinds.count(True) >= 1
    assert kinds.count(False) >= 1
    assert all(len(line) <= 120 for line in (places.BUILT_IN / f"{name}.test.yaml").read_text().splitlines())


def is_denial(expected: Expected) -> bool:
    return expected.denied is not None or expected.status in {*STOPPED, *TIMED, "refused"}


@user
@pytest.mark.parametrize("weakening", WEAKENED)
def test_a_weakened_policy_fails_the_tests_of_what_it_was_made_of(
    sandbox: Sandbox, shared_tmp: Path, weakening: str
) -> None:
    line, catching = WEAKENED[weakening]
    if weakening == "network" and len(socket.if_nameindex()) < 2:
        (pytest.fail if CI else pytest.skip)("this host's own network has no more in it than a jail's")
    for name in ("_base", "python"):
        (shared_tmp / f"{name}.yaml").write_text(f"extends: {name}\n{line}\n")
        shutil.copy(places.BUILT_IN / f"{name}.test.yaml", shared_tmp)
    found = outcomes(sandbox, "-b", "bwrap", f"{shared_tmp}/", code=1)
    assert {each["name"] for each in found if each["verdict"] == "failed"} >= catching
