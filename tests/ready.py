"""The command without its start: a process of each account that has it imported forks for each run.

Most of what `python -m sandbox_cli` costs is the imports, 0.3 s of a processor's time, and they are the same a thousand
times. A forked run is a process of its own of that account, with the arguments, environment, streams and end of any
other. Where a test gives it more than that, the command is started anew; all are with SANDBOX_TESTS_FRESH=1.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.accounts import Account

FRESH = "SANDBOX_TESTS_FRESH" in os.environ
# Read while the command runs, and by nothing that it imports or that interprets it.
VARIABLES = re.compile(r"SANDBOX_\w+|XDG_\w+|TMPDIR|PATH")
CHUNK = 1 << 16


def serves(options: Iterable[str], env: Mapping[str, str] | None = None) -> bool:
    """Whether a run with these options of Account.run, and these additions to the environment, can be forked."""
    known = set(options) <= {"stdin", "timeout", "env"} and all(map(VARIABLES.fullmatch, env or ()))
    return known and not FRESH


class Ready:
    """The process of one account that forks."""

    def __init__(self, account: Account, script: Path) -> None:
        self.account = account
        self._asking, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [account.python, str(script), str(theirs.fileno())]
            pipe = subprocess.PIPE  # streams of the kind that a run has: neither file nor terminal
            self._process = account.popen(words, pass_fds=[theirs.fileno()], stdin=pipe, stdout=pipe)

    def run(
        self,
        words: Sequence[str | bytes],
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command to its end, as Account.run does."""
        environment = {**self.account.environment, **(env or {})}
        question = repr({"environment": environment, "arguments": [os.fsdecode(word) for word in words]})
        run = Forked(self._asking, question.encode())
        try:
            stdout, stderr = run.communicate(stdin, time.monotonic() + timeout)
            return subprocess.CompletedProcess(words, run.number(), stdout, stderr)
        except BaseException:
            run.kill()
            raise
        finally:
            run.close()

    def close(self) -> None:
        self._asking.close()
        self._process.communicate(timeout=10)


class Forked:
    """One run, by its pid and our ends of its streams."""

    def __init__(self, asking: socket.socket, question: bytes) -> None:
        self._answers, answers = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        (stdin, self._stdin), (self._stdout, stdout), (self._stderr, stderr) = pipes
        with answers:
            socket.send_fds(asking, [question], [stdin, stdout, stderr, answers.fileno()])
        for fd in (stdin, stdout, stderr):
            os.close(fd)
        self._open = {self._stdin, self._stdout, self._stderr}
        self._said = self._answers.makefile("rb")
        self._pid = self.number()

    def number(self) -> int:
        """The next that is said of it: its pid, then its status as subprocess has it."""
        return int(self._said.readline())

    def communicate(self, stdin: bytes, deadline: float) -> tuple[bytes, bytes]:
        """Write `stdin`, and read both streams to their ends."""
        said: dict[int, list[bytes]] = {self._stdout: [], self._stderr: []}
        os.set_blocking(self._stdin, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdin, selectors.EVENT_WRITE)
            for fd in said:
                selector.register(fd, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise subprocess.TimeoutExpired(f"sandbox, as pid {self._pid}", deadline)
                for key, _ in ready:
                    if key.fd == self._stdin:
                        stdin = stdin[self._written(stdin) :]
                        going_on = bool(stdin)
                    else:
                        said[key.fd].append(os.read(key.fd, CHUNK))
                        going_on = bool(said[key.fd][-1])
                    if not going_on:
                        selector.unregister(key.fd)
                        self._close(key.fd)
        return b"".join(said[self._stdout]), b"".join(said[self._stderr])

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        for fd in list(self._open):
            self._close(fd)
        self._said.close()
        self._answers.close()

    def _written(self, data: bytes) -> int:
        try:
            return os.write(self._stdin, data[:CHUNK])
        except BrokenPipeError:  # it reads no more
            return len(data)

    def _close(self, fd: int) -> None:
        os.close(fd)
        self._open.remove(fd)
