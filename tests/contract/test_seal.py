"""A jail that is not what was planned never starts its program.

Each case spoils the rendering of one thing that was promised, and leaves the promise as it is. A control
runs the plan unspoiled, so that a refusal can't have another reason.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import Driver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Account

Plan = dict[str, Any]
COMMAND = ["/bin/sh", "-c", "echo started > witness"]


def without(*words: str) -> Callable[[Plan], None]:
    """Takes a run of words out of the jailer's arguments."""

    def spoil(plan: Plan) -> None:
        argv = plan["argv"]
        start = next(i for i in range(len(argv)) if argv[i : i + len(words)] == list(words))
        del argv[start : start + len(words)]

    return spoil


def instead(old: str, *new: str) -> Callable[[Plan], None]:
    """Puts other words in the place of one of the jailer's arguments."""

    def spoil(plan: Plan) -> None:
        at = plan["argv"].index(old)
        plan["argv"][at : at + 1] = new

    return spoil


def config(old: bytes, new: bytes) -> Callable[[Plan], None]:
    """Changes the jailer's configuration."""

    def spoil(plan: Plan) -> None:
        assert old in plan["data"][0]
        plan["data"][0] = plan["data"][0].replace(old, new)

    return spoil


def no_filter(plan: Plan) -> None:
    plan["filter"] = b""


def allow_all(plan: Plan) -> None:
    plan["seal"]["mounts"].append({"path": "/planned", "flags": ["ro"]})


BWRAP = {
    "no network namespace": (without("--unshare-net"), "namespace"),
    "no process namespace": (without("--unshare-pid"), ""),
    "no ipc namespace": (without("--unshare-ipc"), "no ipc namespace"),
    "no uts namespace": (instead("--unshare-uts", "--unshare-user"), ""),
    "no cgroup namespace": (without("--unshare-cgroup"), "no cgroup namespace"),
    "capabilities kept": (instead("--cap-drop", "--cap-add"), "capabilities are kept"),
    "a writable mount": (instead("--ro-bind", "--bind"), " is mounted rw, not ro"),
    "a mount that nobody planned": (
        instead("--remount-ro", "--ro-bind", "/etc", "/extra", "--remount-ro"),
        "/extra is mounted",
    ),
    "a planned mount that is missing": (allow_all, "/planned is not mounted"),
    "a writable root": (without("--remount-ro", "/"), "/ is mounted rw, not ro"),
    "another account": (instead("--unshare-user", "--unshare-user", "--uid", "4321"), ""),
    "no filter": (no_filter, "filter is not loaded"),
}
NSJAIL = {
    "no network namespace": (config(b"clone_newnet: true", b"clone_newnet: false"), "namespace"),
    "no process namespace": (config(b"clone_newpid: true", b"clone_newpid: false"), ""),
    "no ipc namespace": (config(b"clone_newipc: true", b"clone_newipc: false"), "no ipc namespace"),
    "no cgroup namespace": (config(b"clone_newcgroup: true", b"clone_newcgroup: false"), "no cgroup namespace"),
    "capabilities kept": (config(b"keep_caps: false", b"keep_caps: true"), "capabilities are kept"),
    "no_new_privs off": (config(b"disable_no_new_privs: false", b"disable_no_new_privs: true"), "no_new_privs is off"),
    "a mount that nobody planned": (
        config(b"log_fd: 2", b'log_fd: 2\nmount { src: "/etc" dst: "/extra" is_bind: true rw: false }'),
        "/extra is mounted",
    ),
    "no filter": (no_filter, "filter is not loaded"),
}
FIREJAIL = {
    "no network namespace": (config(b"net none", b"# net none"), ""),
    "capabilities kept": (config(b"caps.drop all", b"# caps"), "capabilities are kept"),
    "no user namespace": (config(b"noroot", b"# noroot"), ""),
    "a planned mount that is missing": (allow_all, "/planned is not mounted"),
    "no filter": (no_filter, "filter is not loaded"),
}
CASES = [
    pytest.param(backend, spoil, words, id=f"{backend}-{name.replace(' ', '-')}")
    for backend, cases in (("bwrap", BWRAP), ("nsjail", NSJAIL), ("firejail", FIREJAIL))
    for name, (spoil, words) in cases.items()
]


def refused(outcome: dict[str, Any]) -> str:
    """The reason for which the jail was not used; asserts that nothing ran in it."""
    assert outcome["status"] == "sandbox-error", outcome
    assert outcome["artifacts"] == []
    message: str = outcome["error"]["message"]
    return message


@pytest.mark.parametrize(("backend", "spoil", "words"), CASES, indirect=["backend"])
def test_a_spoilt_rendering_never_starts_its_program(
    backend: str, spoil: Callable[[Plan], None], words: str, driver: Driver
) -> None:
    plan = driver.plan({"command": COMMAND, "backend": backend})
    spoil(plan)
    message = refused(driver.run(plan=plan))
    assert words in message
    assert "the jail is not what was planned: " in message or not words


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
