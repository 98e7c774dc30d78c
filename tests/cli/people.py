"""Somebody at a terminal: a real pty, on it a shell with job control, and in that the command."""

from __future__ import annotations

import os
import re
import shlex
import time
from typing import TYPE_CHECKING, Any, Self

import pexpect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox

PATIENCE_S = 30
LINES, COLUMNS = 33, 99
OUTER = "outer> "
INNER = "sandbox:~$ "
PASTE = re.compile("\x1b\\[\\?2004[hl]\r?")  # bash asks for brackets around what is pasted


class Person:
    """Types into the terminal of a shell that runs as the account of `sandbox`, and reads what it shows."""

    def __init__(self, sandbox: Sandbox, **variables: str) -> None:
        account = sandbox.account
        self._sandbox = sandbox

        def become() -> None:
            os.fchown(0, account.uid, account.gid)
            if account.uid != os.getuid():
                os.initgroups(account.login, account.gid)
                os.setgid(account.gid)
                os.setuid(account.uid)

        environment = {**account.environment, "TERM": "xterm-256color", "PS1": OUTER, **variables}
        self.spawned = pexpect.spawn(
            "/bin/bash", ["--norc", "--noprofile", "--noediting"],
            cwd="/", env=environment, preexec_fn=become, timeout=PATIENCE_S, dimensions=(LINES, COLUMNS),
        )  # fmt: skip
        self.sees(OUTER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.spawned.close(force=True)

    def types(self, text: str) -> None:
        self.spawned.send(text)

    def presses(self, key: str) -> None:
        """Ctrl and that letter."""
        self.spawned.sendcontrol(key)

    def sees(self, text: str) -> str:
        """Waits for `text`; what was shown before it."""
        self.spawned.expect_exact(text)
        shown: Any = self.spawned.before  # bytes
        return PASTE.sub("", shown.decode())

    def starts(self, *words: str, shows: str, background: bool = False) -> None:
        """The command, in the foreground, until it shows something."""
        line = shlex.join([*self._sandbox.command, *words])
        self.types(line + (" &" if background else "") + "\r")
        self.sees("\r\n")
        self.sees(shows)

    def asks(self, command: str, prompt: str = OUTER) -> str:
        """What a command of the shell prints."""
        self.types(f"{command}\r")
        self.sees("\r\n")
        return self.sees(prompt).strip()

    def resizes(self, lines: int, columns: int) -> None:
        self.spawned.setwinsize(lines, columns)

    @property
    def settings(self) -> str:
        """All of the terminal's modes, as the shell's own programs see them."""
        return self.asks("stty -g")

    @property
    def code(self) -> int:
        """The exit code of the command that has just ended."""
        return int(self.asks("echo $?"))

    def pid_of(self, *words: str) -> int:
        """The process of that command line below this shell, seen from outside."""
        return self._find(lambda found: found == list(words))

    @property
    def supervisor(self) -> int:
        return self._find(lambda found: "sandbox_cli" in found)

    def _find(self, meant: Callable[[list[str]], bool]) -> int:
        """It may not have come that far yet."""
        for _ in range(1000):
            if pids := [pid for pid, found in below(self.spawned.pid) if meant(found)]:
                return pids[0]
            time.sleep(0.01)
        raise AssertionError(f"there is no such process: {below(self.spawned.pid)}")


def below(pid: int) -> list[tuple[int, list[str]]]:
    found: list[tuple[int, list[str]]] = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as stream:
            children = [int(child) for child in stream.read().split()]
        for child in children:
            with open(f"/proc/{child}/cmdline") as stream:
                found.append((child, stream.read().split("\0")[:-1]))
            found += below(child)
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found
