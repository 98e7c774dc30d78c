"""What bwrap and nsjail say when they make no jail, and how it is told: the same failures, each in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli.backends import BACKENDS
from tests.backends.given import policy, ro, system_here
from tests.backends.jails import COVERED_PROC, NO_NAMESPACES, Jailer, start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.backends.base import JailerReport
    from sandbox_cli.policy.model import Mount

REAL = pytest.mark.parametrize("jailer", ["bwrap", "bwrap-wheel", "nsjail"], indirect=True)
USER = pytest.mark.parametrize("account", ["user"], indirect=True)
FAILURE = {"bwrap": 1, "nsjail": 255, "firejail": 1}  # the exit status of their own failures

# failure -> its words by jailer, and what the hint names
SAID: dict[str, tuple[dict[str, str], str]] = {
    "source": (
        {
            "bwrap": "bwrap: Can't find source path /nonexistent/data: No such file or directory",
            "nsjail": "nsjail: open_tree('/nonexistent/data'): No such file or directory",
        },
        "optional",
    ),
    "mount point": (
        {
            "bwrap": "bwrap: Can't mkdir /data/none: ",
            "nsjail": "nsjail: mkdirat(root_fd, 'data/none'): Permission denied",
        },
        "mount point",
    ),
    "option": ({"bwrap": "bwrap: Unknown option --newer-than-this", "nsjail": "unrecognized option"}, "too old"),
    "launcher": (
        {
            "bwrap": "bwrap: execvp /proc/self/fd/99: No such file or directory",
            "nsjail": "nsjail: execve('/proc/self/fd/99') failed: No such file or directory",
        },
        "",
    ),
    "namespaces": (
        {"bwrap": "namespaces exceeded (ENOSPC)", "nsjail": "No space left on device"},
        "user.max_user_namespaces",
    ),
    "proc": (
        {
            "bwrap": "bwrap: Can't mount proc on /newroot/proc: Operation not permitted",
            "nsjail": "nsjail: fsmount('proc'): Operation not permitted",
        },
        "container",
    ),
}


def report(
    jailer: Jailer, directory: str, mounts: Mapping[str, Mount] | None = None, *options: str, **more: Any
) -> JailerReport:
    """What the backend reads of a jail that its jailer did not make."""
    invocation = jailer.backend.render(policy({**system_here(jailer.host), **(mounts or {})}), jailer.host)
    invocation["argv"][1:1] = options
    ended = start(jailer, invocation, directory, **more)
    told: JailerReport = jailer.backend.read(ended.status, ended.log)
    return told


def check(told: JailerReport, jailer: Jailer, failure: str) -> None:
    words, hint = SAID[failure]
    assert words[jailer.name] in (told["failed"] or "")
    assert hint in (told["hint"] or "")


@REAL
def test_a_missing_source_is_named(jailer: Jailer, directory: str) -> None:
    check(report(jailer, directory, {"/data": ro("/nonexistent/data")}), jailer, "source")


@REAL
def test_a_missing_mount_point_is_named(jailer: Jailer, directory: str) -> None:
    check(report(jailer, directory, {"/data": ro("/usr/share"), "/data/none": ro("/usr")}), jailer, "mount point")


@REAL
def test_an_unknown_option_means_too_old(jailer: Jailer, directory: str) -> None:
    check(report(jailer, directory, None, "--newer-than-this"), jailer, "option")


@REAL
def test_a_launcher_that_cannot_be_executed_is_named(jailer: Jailer, directory: str) -> None:
    check(report(jailer, directory, program=["/proc/self/fd/99"]), jailer, "launcher")


@REAL
@USER
@pytest.mark.parametrize(("failure", "around"), [("namespaces", NO_NAMESPACES), ("proc", COVERED_PROC)])
def test_what_the_host_forbids_is_named(jailer: Jailer, directory: str, failure: str, around: tuple[str, ...]) -> None:
    check(report(jailer, directory, around=around), jailer, failure)


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        # as Ubuntu 24.04 says it where AppArmor restricts user namespaces
        ("bwrap", "bwrap: setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns"),
        ("bwrap", "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "apparmor_restrict_unprivileged"),
        (
            "nsjail",
            "[W][2026-01-31T10:00:00+0000][7] writeMaps():88 Couldn't write '/proc/8/uid_map': Permission denied",
            "apparmor_restrict_unprivileged_userns",
        ),
        # as Debian's own build says it with kernel.unprivileged_userns_clone=0
        ("bwrap", "bwrap: No permissions to create new namespace, likely because ...", "unprivileged_userns_clone"),
        (
            "nsjail",
            "[W][2026-01-31T10:00:00+0000][7] runChild():511 clone(flags=CLONE_NEWNS) failed: Operation not permitted",
            "unprivileged_userns_clone",
        ),
        # in Docker with its own profile
        ("bwrap", "bwrap: Failed to make / slave: Permission denied", "seccomp=unconfined"),
    ],
)
def test_what_other_hosts_forbid_is_explained(name: str, words: str, hint: str) -> None:
    told = BACKENDS[name].read(FAILURE[name], f"{words}\n".encode())
    assert (told["failed"] or "").startswith(f"{name}: ")
    assert hint in (told["hint"] or "")


@pytest.mark.parametrize("name", FAILURE)
def test_the_launchers_own_failure_is_told(name: str) -> None:
    assert BACKENDS[name].read(125, b"launcher: unshare: 1\n")["failed"] == "launcher: unshare: 1"


@pytest.mark.parametrize("name", FAILURE)
@pytest.mark.parametrize("status", [0, None, 42, 125, 137])
def test_a_silent_end_says_nothing_about_the_jail(name: str, status: int | None) -> None:
    assert BACKENDS[name].read(status, b"") == {"failed": None, "hint": None}


@pytest.mark.parametrize("name", FAILURE)
def test_a_silent_failure_is_told_as_that(name: str) -> None:
    told = BACKENDS[name].read(FAILURE[name], b"\n")
    assert told["failed"] == f"{name} ended with status {FAILURE[name]} and didn't say why"


@pytest.mark.parametrize("name", FAILURE)
def test_a_killed_jailer_is_told_as_that(name: str) -> None:
    assert BACKENDS[name].read(-9, b"")["failed"] == f"{name} was killed by signal 9"
