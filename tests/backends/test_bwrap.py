"""bwrap: its gaps, and what it says when it makes no jail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import bwrap
from tests.backends.given import fixed_host, policy, ro, system_here
from tests.backends.jails import COVERED_PROC, NO_NAMESPACES, Jailer, start

if TYPE_CHECKING:
    from pathlib import Path

REAL = pytest.mark.parametrize("jailer", ["bwrap", "bwrap-wheel"], indirect=True)
USER = pytest.mark.parametrize("account", ["user"], indirect=True)


def test_an_ordinary_user_gets_no_strict_bound_on_files() -> None:
    (gap,) = bwrap.gaps(policy(), fixed_host())
    assert (gap["clause"], gap["level"]) == ("limits.scratch_files", "sampled")


def test_root_gets_everything_strictly() -> None:
    assert bwrap.gaps(policy(), fixed_host(root=True)) == []


def test_what_is_not_bounded_is_no_gap() -> None:
    assert bwrap.gaps(policy(limits={"scratch_files": None}), fixed_host()) == []


@REAL
def test_a_missing_source_is_named(jailer: Jailer, directory: str) -> None:
    given = policy({**system_here(jailer.host), "/data": ro("/nonexistent/data")})
    ended = start(jailer, jailer.backend.render(given, jailer.host), directory)
    report = bwrap.read(ended.status, ended.log)
    assert report["failed"] == "bwrap: Can't find source path /nonexistent/data: No such file or directory"
    assert "optional" in (report["hint"] or "")


@REAL
def test_a_missing_mount_point_is_named(jailer: Jailer, directory: str, tree: Path) -> None:
    given = policy({**system_here(jailer.host), "/data": ro(str(tree)), "/data/none": ro("/usr")})
    ended = start(jailer, jailer.backend.render(given, jailer.host), directory)
    report = bwrap.read(ended.status, ended.log)
    assert report["failed"] == "bwrap: Can't mkdir /data/none: Read-only file system"
    assert "mount point" in (report["hint"] or "")


@REAL
def test_an_unknown_option_means_too_old(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    invocation["argv"].insert(1, "--newer-than-this")
    ended = start(jailer, invocation, directory)
    report = bwrap.read(ended.status, ended.log)
    assert report["failed"] == "bwrap: Unknown option --newer-than-this"
    assert "too old" in (report["hint"] or "")


@REAL
def test_a_launcher_that_cannot_be_executed_is_named(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    ended = start(jailer, invocation, directory, program=["/proc/self/fd/99"])
    assert bwrap.read(ended.status, ended.log)["failed"] == (
        "bwrap: execvp /proc/self/fd/99: No such file or directory"
    )


@REAL
@USER
def test_namespaces_that_are_used_up_are_named(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    ended = start(jailer, invocation, directory, around=NO_NAMESPACES)
    report = bwrap.read(ended.status, ended.log)
    assert "namespaces exceeded (ENOSPC)" in (report["failed"] or "")
    assert "user.max_user_namespaces" in (report["hint"] or "")


@REAL
@USER
def test_a_covered_proc_is_named(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    ended = start(jailer, invocation, directory, around=COVERED_PROC)
    report = bwrap.read(ended.status, ended.log)
    assert report["failed"] == "bwrap: Can't mount proc on /newroot/proc: Operation not permitted"
    assert "container" in (report["hint"] or "")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        # as Ubuntu 24.04 says it where AppArmor restricts user namespaces
        ("bwrap: setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns"),
        ("bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted", "apparmor_restrict_unprivileged_userns"),
        # as Debian's own build says it with kernel.unprivileged_userns_clone=0
        ("bwrap: No permissions to create new namespace, likely because ...", "unprivileged_userns_clone"),
        # in Docker with its own profile
        ("bwrap: Failed to make / slave: Permission denied", "seccomp=unconfined"),
    ],
)
def test_what_hosts_forbid_is_explained(words: str, hint: str) -> None:
    report = bwrap.read(1, f"{words}\n".encode())
    assert report["failed"] == words
    assert hint in (report["hint"] or "")


def test_the_launchers_own_failure_is_told() -> None:
    assert bwrap.read(125, b"launcher: unshare: 1\n")["failed"] == "launcher: unshare: 1"


@pytest.mark.parametrize("status", [0, None, 42, 125])
def test_a_silent_end_says_nothing_about_the_jail(status: int | None) -> None:
    assert bwrap.read(status, b"") == {"failed": None, "hint": None}


def test_a_silent_failure_is_told_as_that() -> None:
    assert bwrap.read(1, b"\n")["failed"] == "bwrap ended with status 1 and didn't say why"


def test_a_killed_jailer_is_told_as_that() -> None:
    assert bwrap.read(-9, b"")["failed"] == "bwrap was killed by signal 9"
