"""What `enter` does before the jailer, seen from what it becomes."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.launcher.protocol import PATIENCE_S, is_gone, until
from tests.launcher.test_surroundings import ignore_and_block, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.launcher.protocol import Enter, Popen

ME = str(os.getpid())


@pytest.fixture
def popen(launcher: str) -> Iterator[Popen]:
    """`popen(*arguments)`: started, and killed with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([launcher, "enter", *arguments], stdin=subprocess.DEVNULL, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_jailer_gets_its_arguments_and_the_environment(enter: Enter) -> None:
    made = enter("-p", str(os.getpid()), "--", "/bin/sh", "-c", 'echo "$0 $1 $A"', "--", "-x", env={"A": "1"})
    assert (made.returncode, made.stdout, made.stderr) == (0, b"-- -x 1\n", b"")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--"], "no jailer"),
        (["/bin/true"], "bad option /bin/true"),
        (["-x", "1", "--", "/bin/true"], "unknown option -x"),
        (["-p"], "bad option -p"),
        (["-pp", "1", "--", "/bin/true"], "bad option -pp"),
        (["-p", "--", "/bin/true"], "bad -p --"),
        (["-p", "", "--", "/bin/true"], "bad -p"),
        (["-c", "-1", "--", "/bin/true"], "bad -c -1"),
        (["-c", "4294967295", "--", "/bin/true"], "bad -c 4294967295"),
        (["-u", "0", "-G", "0", "--", "/bin/true"], "-u and -G go together, without root"),
        (["-u", "5", "--", "/bin/true"], "-u and -G go together, without root"),
        (["-u", "5", "-G", "0", "--", "/bin/true"], "-u and -G go together, without root"),
        (["-u", "4294967295", "-G", "5", "--", "/bin/true"], "bad -u 4294967295"),
        (["-s", "/tmp", "--", "/bin/true"], "-s and -o go together"),
        (["-o", "size=1", "--", "/bin/true"], "-s and -o go together"),
        (["-w", "9", "--", "/bin/true"], "-w must be kept by -c"),
        (["-w", "2", "-c", "9", "--", "/bin/true"], "-w must be kept by -c"),
    ],
)
def test_option_that_makes_no_sense_starts_nothing(enter: Enter, arguments: list[str], complaint: str) -> None:
    made = enter(*arguments)
    assert (made.returncode, made.stderr.decode()) == (125, f"launcher: enter: {complaint}\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--", "/no/jailer"], "exec /no/jailer: errno 2"),
        (["--", "/etc/passwd"], "exec /etc/passwd: errno 13"),
        (["-g", "/no/cgroup.procs", "--", "/bin/true"], "group /no/cgroup.procs: errno 2"),
        (["-g", "/dev/full", "--", "/bin/true"], "group /dev/full: errno 28"),
    ],
)
def test_call_that_fails_gives_its_errno(enter: Enter, arguments: list[str], complaint: str) -> None:
    made = enter(*arguments)
    assert (made.returncode, made.stderr.decode()) == (125, f"launcher: enter: {complaint}\n")


def test_complaint_about_a_long_path_is_cut_before_its_errno(enter: Enter) -> None:
    made = enter("--", "/" + "x" * 5000)
    assert made.returncode == 125
    assert made.stderr.endswith(b"xxx: errno 36\n")
    assert len(made.stderr) < 300


def test_only_the_fds_that_are_named_reach_the_jailer(enter: Enter) -> None:
    fds = [fcntl.fcntl(0, fcntl.F_DUPFD, lowest) for lowest in (60, 61, 62, 500)]
    listed = enter("-c", "61", "--", "/bin/ls", "/proc/self/fd", pass_fds=fds).stdout.split()
    assert listed == [b"0", b"1", b"2", b"3", b"60", b"61"]  # 3 is the directory that ls reads
    assert enter("--", "/bin/ls", "/proc/self/fd", pass_fds=fds).stdout.split() == [b"0", b"1", b"2", b"3"]
    for fd in fds:
        os.close(fd)


def test_jailer_leads_a_session_of_its_own(enter: Enter) -> None:
    made = enter("--", "/usr/bin/python3", "-ISc", "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))")
    assert made.stdout == b"True\n"


def test_leader_of_a_session_stays_it(enter: Enter) -> None:
    assert enter("--", "/bin/true", start_new_session=True).returncode == 0


def test_leader_of_a_group_alone_is_refused(enter: Enter) -> None:
    made = enter("--", "/bin/true", process_group=0)
    assert (made.returncode, made.stderr) == (125, b"launcher: enter: setsid: errno 1\n")


def test_jailer_inherits_no_ignored_or_blocked_signal_and_a_common_umask(enter: Enter) -> None:
    made = enter("--", "/bin/cat", "/proc/self/status", preexec_fn=ignore_and_block, umask=0o077)
    status = status_of(made.stdout)
    assert (int(status["SigIgn"], 16), int(status["SigBlk"], 16), status["Umask"]) == (0, 0, "0022")


def test_supervisor_that_is_gone_already_starts_nothing(enter: Enter) -> None:
    made = enter("-p", "1", "--", "/bin/echo", "started")
    assert (made.returncode, made.stdout, made.stderr) == (125, b"", b"launcher: enter: the supervisor is gone\n")


SUPERVISOR = """
import os, subprocess, sys
lifeline, lifeline_end = os.pipe()
watched = ["-c", str(lifeline), "-w", str(lifeline)] if sys.argv[2] == "watched" else []
enter = [sys.argv[1], "enter", "-p", str(os.getpid()), *watched, "--", "/bin/sh", "-c", "echo $$; exec sleep 60"]
subprocess.Popen(enter, pass_fds=[lifeline]).wait()
"""


@pytest.mark.parametrize("kind", ["alone", "watched"])
def test_jailer_dies_with_a_supervisor_that_is_killed(launcher: str, kind: str) -> None:
    argv = [sys.executable, "-ISc", SUPERVISOR, launcher, kind]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        jailer = os.pidfd_open(int(supervisor.stdout.readline()))
        supervisor.kill()
        assert is_gone(jailer)


# ---- the watcher ----


def watched(popen: Popen, *jailer: str) -> tuple[subprocess.Popen[bytes], int]:
    """The watcher and our end of its lifeline."""
    end, lifeline = os.pipe()
    process = popen("-p", ME, "-c", str(end), "-w", str(end), "--", *jailer, pass_fds=[end], stdout=subprocess.PIPE)
    os.close(end)
    return process, lifeline


@pytest.mark.parametrize("byte", [b"", b"x"], ids=["closed", "written-to"])
def test_watcher_kills_the_jailer_when_the_lifeline_ends(popen: Popen, byte: bytes) -> None:
    watcher, lifeline = watched(popen, "/bin/sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done")
    assert watcher.stdout is not None
    jailer = os.pidfd_open(int(watcher.stdout.readline()))
    if byte:
        os.write(lifeline, byte)
        assert is_gone(jailer)
    os.close(lifeline)
    assert byte or is_gone(jailer)
    assert watcher.wait(PATIENCE_S) == -signal.SIGKILL  # it goes with the group that it kills


def test_watcher_kills_what_the_jailer_had_started_too(popen: Popen) -> None:
    """As bwrap's child would, that waits for a word of bwrap's and has no parent-death signal yet."""
    watcher, lifeline = watched(popen, "/bin/sh", "-c", "sleep 60 & echo $!; wait")
    assert watcher.stdout is not None
    child = os.pidfd_open(int(watcher.stdout.readline()))
    os.close(lifeline)
    assert is_gone(child)
    watcher.wait(PATIENCE_S)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 42", 42), ("kill -TERM $$", 143)])
def test_watcher_ends_as_the_jailer_did(popen: Popen, script: str, code: int) -> None:
    watcher, lifeline = watched(popen, "/bin/sh", "-c", script)
    assert watcher.wait(PATIENCE_S) == code
    os.close(lifeline)


def test_watcher_is_not_moved_by_a_request_to_end(popen: Popen) -> None:
    watcher, lifeline = watched(popen, "/bin/sh", "-c", "echo; sleep .1; exit 3")
    assert watcher.stdout is not None
    watcher.stdout.readline()
    assert until(lambda: int(status_of(Path(f"/proc/{watcher.pid}/status").read_bytes())["SigBlk"], 16) != 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        watcher.send_signal(number)
    assert watcher.wait(PATIENCE_S) == 3
    os.close(lifeline)


def test_watcher_of_a_supervisor_that_is_gone_starts_nothing(enter: Enter) -> None:
    made = enter("-p", "1", "-c", "9", "-w", "9", "--", "/bin/echo", "started")
    assert (made.returncode, made.stdout, made.stderr) == (125, b"", b"launcher: enter: the supervisor is gone\n")


def test_jailer_that_is_not_set_uid_dies_with_its_watcher(popen: Popen) -> None:
    watcher, lifeline = watched(popen, "/bin/sh", "-c", "echo $$; exec sleep 60")
    assert watcher.stdout is not None
    jailer = os.pidfd_open(int(watcher.stdout.readline()))
    watcher.kill()
    assert is_gone(jailer)
    os.close(lifeline)


def test_jailer_does_not_get_the_lifeline(popen: Popen) -> None:
    watcher, lifeline = watched(popen, "/bin/ls", "/proc/self/fd")
    assert watcher.stdout is not None
    assert watcher.stdout.read().split() == [b"0", b"1", b"2", b"3"]
    os.close(lifeline)


def test_watcher_holds_no_fd_of_the_jail(launcher: str) -> None:
    """Or the end of the file on the jail's socket would wait for the jailer's."""
    ours, theirs = socket.socketpair()
    end, lifeline = os.pipe()
    ours.settimeout(PATIENCE_S)
    script = f"exec {theirs.fileno()}>&-; sleep 60"
    fds = [theirs.fileno(), end]
    arguments = ["-c", str(max(fds)), "-w", str(end), "--", "/bin/bash", "-c", script]
    with subprocess.Popen([launcher, "enter", *arguments], pass_fds=fds) as watcher:
        theirs.close()
        os.close(end)
        assert ours.recv(1) == b""
        assert watcher.poll() is None
        os.close(lifeline)
    ours.close()


def test_lifeline_that_is_no_fd_kills_at_once(popen: Popen) -> None:
    watcher = popen("-c", "99", "-w", "99", "--", "/bin/sleep", "60")
    assert watcher.wait(PATIENCE_S) in {125, 128 + signal.SIGKILL}
