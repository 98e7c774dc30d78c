"""Asks a program for its version: with nothing of the caller's environment, no input, a bound on time and answer."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from sandbox_cli.errors import HostError

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ANSWER_BYTES = 64 << 10
TIMEOUT_S = 5.0

_DOTTED = re.compile(r"\d+(?:\.\d+)+")
_LONE = re.compile(r'\A\S+ (?:version )?"?v?(\d+)"?(?:\s|\Z)')  # not the 0 of "sh: 0: Illegal option"


def start(argv: Sequence[str], *, stdout: int, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Starts a program at the head of a session, both its streams on `stdout`. OSError where it is no program."""
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            env=dict(environ or {}),
            cwd="/",
            start_new_session=True,
        )
    except BlockingIOError:
        hint = "raise what bounds it: ulimit -u, LimitNPROC= and TasksMax= of the unit, --pids-limit of the container"
        raise HostError("this account may not start another process", hint=hint) from None


def ask(argv: Sequence[str], *, environ: Mapping[str, str] | None = None, timeout_s: float = TIMEOUT_S) -> str | None:
    """What the program says, on either stream; None where it can't be started or doesn't end in time.

    It runs in `/`: some programs (go, the version managers) let a file of the current directory decide.
    """
    try:
        process = start(argv, stdout=subprocess.PIPE, environ=environ)
    except OSError:
        return None
    with process:
        answer = _read(process, time.monotonic() + timeout_s)
        if answer is None or process.poll() is None:
            _end(process)
    return answer


def ask_once(file: Path, arguments: str, environ: tuple[tuple[str, str], ...] = ()) -> str | None:
    """What `file` says when asked, remembered as long as it stays the same file."""
    status = file.stat()
    return _asked((str(file), *arguments.split()), environ, status.st_ino, status.st_mtime_ns)


@lru_cache
def _asked(argv: tuple[str, ...], environ: tuple[tuple[str, str], ...], _inode: int, _mtime_ns: int) -> str | None:
    return ask(argv, environ=dict(environ))


def first_number(text: str) -> str | None:
    """The first dotted number: `3.11.2` in "Python 3.11.2", `20.1` in "v20.1"; else `21` in "openjdk 21 2023-09-19"."""
    if found := _DOTTED.search(text):
        return found[0]
    lone = _LONE.match(text)
    return lone[1] if lone else None


def is_older(version: str, than: tuple[int, ...]) -> bool:
    """Compares number by number; one that is left out counts as 0."""
    numbers = tuple(map(int, version.split(".")))
    length = max(len(numbers), len(than))
    return numbers + (0,) * (length - len(numbers)) < than + (0,) * (length - len(than))


def _read(process: subprocess.Popen[bytes], deadline: float) -> str | None:
    assert process.stdout is not None
    pieces: list[bytes] = []
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    while sum(map(len, pieces)) < ANSWER_BYTES:
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return None
        piece = os.read(process.stdout.fileno(), ANSWER_BYTES)
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)[:ANSWER_BYTES].decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it and what it started: it leads a session of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
