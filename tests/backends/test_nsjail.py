"""nsjail: its gaps, its quoting, and what it says when it makes no jail."""

from __future__ import annotations

import pytest

from sandbox_cli.backends import nsjail
from tests.backends.given import HOSTILE, fixed_host, policy, ro, system_here
from tests.backends.jails import COVERED_PROC, NO_NAMESPACES, Jailer, start

REAL = pytest.mark.parametrize("jailer", ["nsjail"], indirect=True)
USER = pytest.mark.parametrize("account", ["user"], indirect=True)


@pytest.mark.parametrize("root", [False, True])
def test_nsjail_has_no_gaps(*, root: bool) -> None:
    assert nsjail.gaps(policy(HOSTILE), fixed_host(root=root)) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ('\\"', r'"\\\""'),
        ("one\ntwo", r'"one\ntwo"'),
        ("été", '"été"'),
        (True, "true"),
        (False, "false"),
        (7, "7"),
    ],
)
def test_values_are_written_as_protobuf_text(value: object, text: str) -> None:
    assert nsjail.quote(value) == text


@REAL
def test_a_missing_source_is_named(jailer: Jailer, directory: str) -> None:
    given = policy({**system_here(jailer.host), "/data": ro("/nonexistent/data")})
    ended = start(jailer, jailer.backend.render(given, jailer.host), directory)
    report = nsjail.read(ended.status, ended.log)
    assert report["failed"] == "nsjail: open_tree('/nonexistent/data'): No such file or directory"
    assert "optional" in (report["hint"] or "")


@REAL
def test_a_missing_mount_point_is_named(jailer: Jailer, directory: str) -> None:
    given = policy({**system_here(jailer.host), "/data": ro("/usr/share"), "/data/none": ro("/usr")})
    ended = start(jailer, jailer.backend.render(given, jailer.host), directory)
    report = nsjail.read(ended.status, ended.log)
    assert report["failed"] == "nsjail: mkdirat(root_fd, 'data/none'): Permission denied"
    assert "mount point" in (report["hint"] or "")


@REAL
def test_an_unknown_field_means_too_old(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    invocation["data"][0] += b"newer_than_this: true\n"
    ended = start(jailer, invocation, directory)
    report = nsjail.read(ended.status, ended.log)
    assert 'has no field named "newer_than_this"' in (report["failed"] or "")
    assert "too old" in (report["hint"] or "")


@REAL
def test_an_unknown_option_means_too_old(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    invocation["argv"].insert(1, "--newer_than_this")
    ended = start(jailer, invocation, directory)
    report = nsjail.read(ended.status, ended.log)
    assert "unrecognized option" in (report["failed"] or "")
    assert "too old" in (report["hint"] or "")


@REAL
def test_a_launcher_that_cannot_be_executed_is_named(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    ended = start(jailer, invocation, directory, program=["/proc/self/fd/99"])
    assert nsjail.read(ended.status, ended.log)["failed"] == (
        "nsjail: execve('/proc/self/fd/99') failed: No such file or directory"
    )


@REAL
@USER
def test_namespaces_that_are_used_up_are_named(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    ended = start(jailer, invocation, directory, around=NO_NAMESPACES)
    report = nsjail.read(ended.status, ended.log)
    assert "No space left on device" in (report["failed"] or "")
    assert "user.max_user_namespaces" in (report["hint"] or "")


@REAL
@USER
def test_a_covered_proc_is_named(jailer: Jailer, directory: str) -> None:
    invocation = jailer.backend.render(policy(system_here(jailer.host)), jailer.host)
    ended = start(jailer, invocation, directory, around=COVERED_PROC)
    report = nsjail.read(ended.status, ended.log)
    assert report["failed"] == "nsjail: fsmount('proc'): Operation not permitted"
    assert "container" in (report["hint"] or "")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        # as Ubuntu 24.04 says it where AppArmor restricts user namespaces
        (
            "[W][2026-01-31T10:00:00+0000][7] writeMaps():88 Couldn't write '/proc/8/uid_map': Permission denied",
            "apparmor_restrict_unprivileged_userns",
        ),
        (
            "[W][2026-01-31T10:00:00+0000][7] runChild():511 clone(flags=CLONE_NEWNS) failed: Operation not permitted",
            "unprivileged_userns_clone",
        ),
    ],
)
def test_what_hosts_forbid_is_explained(words: str, hint: str) -> None:
    report = nsjail.read(255, f"{words}\n".encode())
    assert (report["failed"] or "").startswith("nsjail: ")
    assert hint in (report["hint"] or "")


def test_warnings_of_a_jail_that_was_made_are_no_failure() -> None:
    warning = b"[W][2026-01-31T10:00:00+0000][1] containPrepareEnv():124 setpriority(0): Permission denied\n"
    assert nsjail.read(0, warning) == {"failed": None, "hint": None}
    assert nsjail.read(137, warning) == {"failed": None, "hint": None}


def test_the_launchers_own_failure_is_told() -> None:
    assert nsjail.read(125, b"launcher: unshare: 1\n")["failed"] == "launcher: unshare: 1"


@pytest.mark.parametrize("status", [0, None, 42, 125, 137])
def test_a_silent_end_says_nothing_about_the_jail(status: int | None) -> None:
    assert nsjail.read(status, b"") == {"failed": None, "hint": None}


def test_a_silent_failure_is_told_as_that() -> None:
    assert nsjail.read(255, b"")["failed"] == "nsjail ended with status 255 and didn't say why"
