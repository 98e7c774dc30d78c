"""A denial has evidence: whatever else fails is none."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox_cli.testing.denial import missing
from tests.testing.made import BLAME, outcome


def hidden(path: str) -> bool:
    return path in {"/home", "/etc/shadow"}


def failed(stderr: str, status: str = "nonzero-exit", **more: Any) -> Any:
    return outcome(status, stderr=stderr.encode(), **more)


@pytest.mark.parametrize(
    "came",
    [
        failed("PermissionError: [Errno 13] Permission denied: '/x'"),
        failed("mkdir: cannot create directory 'x': Read-only file system"),
        failed("Error: EROFS: read-only file system, open '/usr/x'"),
        failed("dial tcp 192.0.2.1:80: connect: network is unreachable"),
        failed("ls: cannot access '/home': No such file or directory"),
        failed("java.io.FileNotFoundException: /etc/shadow (No such file or directory)"),
        outcome("nonzero-exit", stdout=b"ptrace: Operation not permitted\n"),
        outcome("signalled", signal="SIGABRT", stderr=b"Operation not permitted"),
        outcome("nonzero-exit", limit_hits={"processes": 1}),
        outcome("memory-limit", blame=BLAME),
        outcome("syscall-denied"),
        outcome("scratch-limit"),
        outcome("refused", blame=BLAME, error={"message": "more than the maximum", "hint": None, "gaps": []}),
        outcome("compile-error", compile=failed("main.c:1: fatal error: /etc/shadow: No such file or directory")),
    ],
)
def test_a_denial_is_one_by_its_evidence(came: Any) -> None:
    assert missing("any", came, hidden) is None


@pytest.mark.parametrize(
    ("came", "told"),
    [
        (outcome(), "it was let through"),
        (outcome(stderr=b"Permission denied"), "it was let through"),
        (failed("NameError: name 'opn' is not defined"), "nothing that was written tells of a denial"),
        (failed("sh: 1: crul: not found", exit_code=127), "nothing that was written tells of a denial"),
        (failed("ls: cannot access '/hom': No such file or directory"), "isn't on this host, either"),
        (failed("/usr/bin/python3: can't open file '/sandbox/x.py': [Errno 2] No such file or directory"), "isn't on"),
        (failed("cat: nothing.txt: No such file or directory"), "isn't on this host, either"),
        (outcome("cannot-start", cause="nothing: not found"), "cannot-start, which is no denial: nothing: not found"),
        (outcome("wall-time-limit"), "a program that only waits reaches, too"),
        (failed("Permission denied", "cpu-time-limit"), "a program that only waits reaches, too"),
        (outcome("sandbox-error", cause="the jail broke"), "which is no denial: the jail broke"),
        (outcome("cancelled", limit_hits={"processes": 1}), "cancelled, which is no denial"),
        (outcome("refused", cause="no runtime"), "refused, which is no denial: no runtime"),
        (
            outcome("refused", blame=BLAME, error={"message": "", "hint": None, "gaps": [{"backend": "bwrap"}]}),
            "refused, which is no denial",
        ),
        (outcome("compile-error", compile=failed("main.c:1: error: expected ';'")), "tells of a denial"),
        (outcome("compile-error", stderr=b"Permission denied", compile=None), "tells of a denial"),
    ],
)
def test_whatever_else_fails_is_no_denial(came: Any, told: str) -> None:
    assert told in (missing("any", came, hidden) or "")


def test_what_a_traceback_quotes_of_the_program_is_no_evidence() -> None:
    code = (
        b"try:\n    touch()\nexcept OSError as error:\n    assert error.errno == errno.EROFS\nraise Hidden('EPERM')\n"
    )
    quoted = 'File "/sandbox/main.py", line 4\n    assert error.errno == errno.EROFS\n           ^^^\nAssertionError'
    for wanted in ("any", "EROFS"):
        assert missing(wanted, failed(quoted), hidden) is None
        assert "nothing that was written tells of" in str(missing(wanted, failed(quoted), hidden, code))
        assert missing(wanted, failed(f"{quoted}: EROFS"), hidden, code) is None


def test_an_errno_that_is_named_is_the_only_one_that_counts() -> None:
    assert missing("EROFS", failed("touch: Read-only file system"), hidden) is None
    assert "tells of EROFS (Read-only file system)" in str(missing("EROFS", failed("Permission denied"), hidden))
    assert missing("EROFS", outcome("memory-limit", blame=BLAME), hidden) is not None
    assert missing("EROFS", outcome("nonzero-exit", limit_hits={"processes": 1}), hidden) is not None
    assert missing("EAGAIN", failed("fork: Resource temporarily unavailable"), hidden) is None
    assert missing("ENOENT", failed("ls: cannot access '/hom': No such file or directory"), hidden) is not None


def test_a_megabyte_of_paths_is_looked_at_in_no_time() -> None:
    looked: list[str] = []

    def look(path: str) -> bool:
        looked.append(path)
        return False

    line = "/a " * 2000 + "No such file or directory\n"
    assert missing("any", failed(line * 150), look) is not None
    assert len(looked) < 100_000
