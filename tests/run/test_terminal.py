"""The job's terminal as the supervisor has it: like the caller's from the start, then relayed in place of pipes."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import plan
from sandbox_cli.run import execute, fds, terminal
from sandbox_cli.run.jail import Jail
from sandbox_cli.run.streams import Budget, Input, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox_cli.run.model import Terminal
    from sandbox_cli.run.waiting import Interest

WORK: dict[str, Any] = {
    "id": "terminal", "arguments": [], "file": None, "inputs": [], "environment": [], "stdout": None, "stderr": None,
    "capture": 1000, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip
SIZE = struct.pack("4H", 33, 44, 0, 0)


class Ptys:
    """The caller's terminal and the job's: each with its own end, and with that of whoever looks at it."""

    def __init__(self) -> None:
        self.person, self.caller = pty.openpty()
        self.master, self.job = pty.openpty()
        self.told, self.tell = os.pipe()
        self.terminal: Terminal = {"fd": self.caller, "modes": termios.tcgetattr(self.caller), "resized": self.told}


@pytest.fixture
def ptys() -> Iterator[Ptys]:
    made = Ptys()
    yield made
    for fd in (made.person, made.caller, made.master, made.told, made.tell):
        os.close(fd)


@pytest.fixture
def in_a_jail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_is_of_the_host", lambda _: False)


def size_of(fd: int) -> bytes:
    return fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)


@pytest.mark.usefixtures("in_a_jail")
def test_terminal_begins_with_the_size_and_the_settings_of_the_caller_s(ptys: Ptys) -> None:
    fcntl.ioctl(ptys.caller, termios.TIOCSWINSZ, SIZE)
    ptys.terminal["modes"][6][termios.VERASE] = b"\x08"
    assert terminal.prepare(ptys.master, ptys.terminal) is None
    assert size_of(ptys.job) == SIZE
    assert termios.tcgetattr(ptys.job)[6][termios.VERASE] == b"\x08"
    assert not os.get_blocking(ptys.master)
    os.close(ptys.job)


@pytest.mark.usefixtures("in_a_jail")
def test_new_size_is_handed_on(ptys: Ptys) -> None:
    terminal.prepare(ptys.master, ptys.terminal)
    fcntl.ioctl(ptys.caller, termios.TIOCSWINSZ, SIZE)
    os.write(ptys.tell, b"ww")
    terminal.resize(ptys.master, ptys.terminal)
    assert size_of(ptys.job) == SIZE
    os.close(ptys.job)


def test_terminal_of_the_host_is_refused(ptys: Ptys) -> None:
    """In its /dev/pts the job would find those of everybody."""
    assert terminal.prepare(ptys.job, ptys.terminal) == "its terminal would be one of the host's"
    os.close(ptys.job)


def test_output_of_a_terminal_ends_when_nobody_has_it_open(ptys: Ptys) -> None:
    output = Output(None, 100, Budget(None))
    fds.close(output.job_end)
    output.attach(ptys.master)
    os.set_blocking(output.source, False)
    assert not output.read()
    assert not output.ended
    os.write(ptys.job, b"last words\n")
    os.close(ptys.job)
    while output.read():
        continue
    assert output.ended
    assert output.kept == b"last words\r\n"
    output.close()


def test_input_goes_to_the_terminal_and_its_end_does_not(ptys: Ptys) -> None:
    reader, writer = os.pipe()
    stdin = Input(reader)
    fds.close(stdin.job_end)
    stdin.attach(ptys.master)
    os.write(writer, b"typed\n")
    stdin.read()
    stdin.write()
    assert os.read(ptys.job, 100) == b"typed\n"
    assert os.read(ptys.master, 100) == b"typed\r\n"  # the echo
    os.close(writer)
    stdin.read()
    assert stdin.source is None
    os.write(ptys.job, b"still there\n")
    assert os.read(ptys.master, 100) == b"still there\r\n"
    os.close(ptys.job)
    os.close(reader)
    stdin.close()


def test_input_for_a_terminal_that_nobody_has_open_is_no_error(ptys: Ptys) -> None:
    stdin = Input(b"typed\n")
    fds.close(stdin.job_end)
    stdin.attach(ptys.master)
    os.close(ptys.job)
    stdin.write()
    assert (stdin.source, stdin.offers) == (None, None)
    stdin.close()


@pytest.mark.parametrize("late", [False, True])
def test_jail_without_a_pty_to_give_starts_nothing(
    ptys: Ptys, needs: Callable[[str], None], launcher: Path, monkeypatch: pytest.MonkeyPatch, *, late: bool
) -> None:
    """`late`: what the launcher says of it is read when nobody of the jail is there any more."""
    needs("bwrap")
    made = plan.compile({"command": ["true"], "backend": "bwrap"})
    at = made["argv"].index("--remount-ro")
    made["argv"][at:at] = ["--tmpfs", "/dev/pts"]
    interests = Jail.interests

    def without_records(self: Jail, **how: bool) -> list[Interest]:
        deaf = self.scratch is not None
        return [each for each in interests(self, **how) if not deaf or each[0] != self._jailer.control.fileno()]

    if late:
        monkeypatch.setattr(Jail, "interests", without_records)
    outcome = execute(made, WORK | {"stdin": ptys.caller, "terminal": ptys.terminal})  # type: ignore[arg-type]
    assert outcome["status"] == "sandbox-error"
    assert outcome["cause"] == "the jail has no terminal to give: No such file or directory"
    os.close(ptys.job)
