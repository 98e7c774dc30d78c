"""Streams of the real command on every backend: as they come, byte for byte, and never a reason to hang."""

from __future__ import annotations

import os
import pty
import shlex
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox

PIECES = [bytes(range(256)), b"\x00", b"no end of line", b"\r\n\n\r", b"\xff\xfe\xed\xa0\x80", b"x" * 70000]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_is_written_comes_at_once_and_byte_for_byte(sandbox: Sandbox, backend: str, stream: str) -> None:
    """Each piece goes in only after the one before came out."""
    words = ("exec", "-b", backend, "--", "sh", "-c", "exec cat >&2" if stream == "stderr" else "exec cat")
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with sandbox.popen(*words, bufsize=0, **pipes) as process:
        assert process.stdin is not None
        source = getattr(process, stream)
        for piece in PIECES:
            process.stdin.write(piece)
            came = b""
            while len(came) < len(piece):
                came += source.read(65536) or pytest.fail("the stream ended")
            assert came == piece
        process.stdin.close()
        assert (process.stdout or source).read() == b""
    assert process.returncode == 0


def test_a_reader_that_goes_away_ends_the_job_in_silence(sandbox: Sandbox, backend: str) -> None:
    """As `yes | head -1` is silent, and ends `yes` with 141."""
    job = shlex.join([*sandbox.command, "exec", "-b", backend, "--limit", "output=4GiB", "--", "yes"])
    done = sandbox.account.run(["bash", "-c", f"{job} | head -1; exit ${{PIPESTATUS[0]}}"])
    assert (done.returncode, done.stdout, done.stderr) == (141, b"y\n", b"")


def a_pipe() -> tuple[int, int]:
    return os.pipe()


def a_socket() -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    return theirs.detach(), ours.detach()


def a_terminal() -> tuple[int, int]:
    master, slave = pty.openpty()
    return slave, master


@pytest.mark.parametrize("stdin", [a_pipe, a_socket, a_terminal])
def test_stdin_that_never_closes_keeps_no_job_alive(
    sandbox: Sandbox, backend: str, stdin: Callable[[], tuple[int, int]]
) -> None:
    theirs, ours = stdin()
    os.write(ours, b"one line\n")
    words = ("exec", "-b", backend, "--timeout", "60s", "--", "sh", "-c", "read line; echo got $line")
    with sandbox.popen(*words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (0, b"got one line\n", b"")
    os.close(theirs)
    os.close(ours)
