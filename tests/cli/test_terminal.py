"""A job on a terminal of its own, with somebody at the caller's: sizes, keys, ends, and what the terminal is then."""

from __future__ import annotations

import json
import os
import select
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.people import COLUMNS, INNER, LINES, OUTER, Person
from tests.launcher.protocol import is_gone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox
    from tests.cli.conftest import Command

SLEEP = ("sleep", "1000")
READY = ("sh", "-c", "echo ready; exec sleep 1000")


def test_session_in_a_shell(sandbox: Sandbox, backend: str) -> None:
    """Size, names, resize, Ctrl-C, Ctrl-Z and fg, exit code, and the terminal as it was before."""
    with Person(sandbox) as person:
        before = person.settings
        person.starts("shell", "-b", backend, shows=INNER)
        assert person.asks("tty", INNER) == "/dev/pts/0"
        assert person.asks("stty size; echo $TERM", INNER).split() == [str(LINES), str(COLUMNS), "xterm-256color"]

        person.types("""sh -c 'trap "stty size" WINCH; echo ready; while :; do read x; done'\r""")
        person.sees("\rready\r\n")
        person.resizes(20, 70)
        person.sees("20 70\r\n")
        person.presses("c")
        person.sees(INNER)

        person.types("sh -c 'echo ready; exec sleep 1000'\r")
        person.sees("\rready\r\n")
        person.presses("z")
        person.sees("Stopped")
        person.sees(INNER)
        person.types("fg\r")
        person.sees("exec sleep 1000'\r\n")
        person.presses("c")
        person.sees(INNER)
        assert person.asks("echo $?", INNER) == "130"

        person.types("exit 7\r")
        person.sees(OUTER)
        assert person.code == 7
        assert person.settings == before


def test_kill_of_the_job_from_outside_restores_the_terminal(sandbox: Sandbox, backend: str) -> None:
    with Person(sandbox) as person:
        before = person.settings
        person.starts("exec", "-t", "-b", backend, "--", *READY, shows="ready")
        os.kill(person.pid_of(*SLEEP), signal.SIGKILL)
        assert "killed by SIGKILL" in person.sees(OUTER)
        assert person.code == 137
        assert person.settings == before


LOOK = """
import fcntl, os, termios
def fails(what):
    try: what()
    except OSError as error: return error.strerror
fds = [f'/proc/self/fd/{name}' for name in os.listdir('/proc/self/fd')]
print('fds', *sorted(os.readlink(fd) for fd in fds if os.path.lexists(fd)))
print('devices', *{os.fstat(fd).st_dev for fd in range(3)})
tty = os.open('/dev/tty', os.O_RDWR)
print('tty', *{fcntl.ioctl(fd, 0x80045432, b'....').hex() for fd in (0, tty)})  # TIOCGDEV: which one it is
os.close(tty)
print('names', *sorted(os.listdir('/dev/pts')))
print('typing', fails(lambda: fcntl.ioctl(0, termios.TIOCSTI, b'x')))
print('pasting', fails(lambda: fcntl.ioctl(0, 0x541C, bytes([3]))))
print('leads', os.getsid(0) == os.getpid() == os.tcgetpgrp(0))
"""


def test_caller_s_terminal_never_reaches_the_job(sandbox: Sandbox, backend: str, shared_tmp: Path) -> None:
    (shared_tmp / "look.py").write_text(LOOK)
    with Person(sandbox) as person:
        person.starts("run", "-t", "-b", backend, str(shared_tmp / "look.py"), shows="")
        found = dict(line.split(" ", 1) for line in person.sees(OUTER).splitlines() if " " in line)
        assert person.code == 0
    devices, ttys = found.pop("devices").split(), found.pop("tty").split()
    assert (len(devices), len(ttys)) == (1, 1)
    assert int(devices[0]) != os.stat("/dev/pts").st_dev
    denied = os.strerror(1)
    assert found == {
        "fds": "/dev/pts/0 /dev/pts/0 /dev/pts/0", "names": "0 ptmx",
        "typing": denied, "pasting": denied, "leads": "True",
    }  # fmt: skip


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signal_to_the_command_cancels_and_restores(sandbox: Sandbox, number: signal.Signals) -> None:
    with Person(sandbox) as person:
        before = person.settings
        person.starts("exec", "-t", "--", *READY, shows="ready")
        os.kill(person.supervisor, number)
        assert f"cancelled by {number.name}" in person.sees(OUTER)
        assert person.code == 128 + number
        assert person.settings == before


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize(("limit", "code"), [("wall_time=500ms", 124), ("output=10kB", 153)])
def test_limit_ends_the_job_and_restores(sandbox: Sandbox, limit: str, code: int) -> None:
    with Person(sandbox) as person:
        before = person.settings
        person.starts("exec", "-t", "--limit", limit, "--", "yes", shows="y\r\n")
        assert f"limits.{limit.partition('=')[0]}: " in person.sees(OUTER)
        assert person.code == code
        assert person.settings == before


def test_stopped_command_is_raw_again_and_of_the_new_size_in_the_foreground(sandbox: Sandbox) -> None:
    with Person(sandbox) as person:
        before = person.settings
        person.starts("shell", shows=INNER)
        os.kill(person.supervisor, signal.SIGSTOP)
        person.sees("Stopped")
        person.sees(OUTER)
        assert person.settings == before
        person.resizes(21, 71)
        person.types("fg\r")
        person.sees("shell\r\n")
        assert person.asks("stty size", INNER) == "21 71"
        person.types("sh -c 'echo ready; exec sleep 1000'\r")  # or the shell may not have started it yet
        person.sees("\rready\r\n")
        person.presses("c")
        person.sees("^C")
        person.sees(INNER)
        person.presses("d")
        person.sees(OUTER)
        assert person.code == 130
        assert person.settings == before


def test_command_started_in_the_background_waits_to_be_brought_to_the_fore(sandbox: Sandbox) -> None:
    with Person(sandbox) as person:
        before = person.settings
        person.starts("exec", "-t", "--", "cat", shows=OUTER, background=True)
        person.types("wait %1; fg\r")
        person.sees("Stopped")
        person.sees("\r\n")
        person.types("typed\r\x04")
        assert "typed\r\ntyped\r\n" in person.sees(OUTER)
        assert person.code == 0
        assert person.settings == before


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_ctrl_z_stops_no_program_that_has_no_shell_to_resume_it(sandbox: Sandbox, backend: str) -> None:
    """Its group is an orphaned one, whose stop the kernel ignores: nobody could continue it."""
    with Person(sandbox) as person:
        person.starts("exec", "-t", "-b", backend, "--", "sh", "-c", "echo ready; exec cat", shows="ready\r\n")
        person.presses("z")
        person.types("goes on\r")
        person.sees("^Zgoes on\r\n")
        person.sees("goes on\r\n")
        person.presses("d")
        person.sees(OUTER)
        assert person.code == 0


def test_keys_that_the_job_did_not_take_are_no_command_of_the_caller_s(sandbox: Sandbox) -> None:
    with Person(sandbox) as person:
        job = "stty raw -echo; echo ready; exec sleep 1000"
        person.starts("exec", "-t", "--", "sh", "-c", job, shows="ready")
        os.set_blocking(person.spawned.child_fd, False)
        while _takes(person, b"echo MINE\r" * 100):
            continue
        os.set_blocking(person.spawned.child_fd, True)
        os.kill(person.pid_of(*SLEEP), signal.SIGKILL)
        person.sees(OUTER)
        assert "MINE" not in person.asks("echo that was all")


def _takes(person: Person, text: bytes) -> bool:
    """Whether the terminal took it, given some time to be read."""
    if not select.select([], [person.spawned.child_fd], [], 0.3)[1]:
        return False
    try:
        os.write(person.spawned.child_fd, text)
    except BlockingIOError:
        return False
    return True


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_all_that_was_written_last_arrives(sandbox: Sandbox, backend: str) -> None:
    with Person(sandbox) as person:
        person.starts("exec", "-t", "-b", backend, "--", "seq", "20000", shows="1\r\n")
        assert person.sees(OUTER).split() == [str(number) for number in range(2, 20001)]


def test_result_holds_what_the_terminal_showed(sandbox: Sandbox, shared_tmp: Path) -> None:
    with Person(sandbox, TERM="x\x1b[2J") as person:
        script = "echo $TERM; echo error >&2; read line"
        path = shared_tmp / "result.json"
        person.starts("exec", "-t", "--result", str(path), "--", "sh", "-c", script, shows="error\r\n")
        person.types("yes\r")
        person.sees(OUTER)
    result = json.loads(path.read_text())
    assert result["stdout"] == "dumb\r\nerror\r\nyes\r\n"
    assert (result["status"], result["stderr_bytes"]) == ("ok", 0)
    asked = {row["clause"]: row["effective"] for row in result["receipt"]["clauses"]}
    assert (asked["limits.wall_time"], asked["limits.cpu_time"], asked["limits.output"]) == ("10min", "10min", "4GiB")
    assert asked["limits.memory"] == "512MiB"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exec", "-t", "--", "true"], "-t relays your terminal, and standard input is none"),
        (["shell"], "shell relays your terminal, and standard input is none\nhint: run it from a terminal"),
        (["exec", "-t", "--stdin", "/dev/null", "--", "true"], "-t and --stdin don't go together"),
        (["shell", "vim"], "shell runs a shell, and no 'vim'"),
        (["shell", "-c", "ls"], "-c is for code, and shell opens a shell"),
        (["shell", "--value"], "--value is for code, and shell opens a shell"),
        (["shell", "--stdin", "/dev/null"], "shell reads your terminal, and no --stdin"),
    ],
)
def test_terminal_that_can_t_be_had_is_a_usage_error(command: Command, words: list[str], said: str) -> None:
    done = command(*words)
    assert done.code == 125
    assert said in done.err


def test_terminal_is_no_json(command: Command) -> None:
    assert "-t and --json don't go together" in command("exec", "-t", "--json", "--", "true").result["error"]["message"]
    assert command("shell", "--json").result["error"]["hint"] == "--result FILE has the result"


COMPILED = """
extends: command
language:
  extensions: [.job]
  file: main.job
  compile: {{run: [sh, -c, "tty; {first}cp $1 prog; chmod +x prog", sh, "{{{{ file }}}}"]}}
  run: [./prog]
"""


def test_compiler_has_a_terminal_and_then_the_program(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "compiled.yaml").write_text(COMPILED.format(first=""))
    (shared_tmp / "a.job").write_text("#!/bin/sh\ntty; read line; echo got $line; exit 5\n")
    with Person(sandbox) as person:
        words = ("run", "-t", "-p", str(shared_tmp / "compiled.yaml"), str(shared_tmp / "a.job"))
        person.starts(*words, shows="/dev/pts/0\r\n/dev/pts/0\r\n")
        person.types("it\r")
        person.sees("got it\r\n")
        person.sees(OUTER)
        assert person.code == 5


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_ctrl_c_ends_the_compiler(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "compiled.yaml").write_text(COMPILED.format(first="sleep 1000; "))
    (shared_tmp / "a.job").write_text("#!/bin/sh\n")
    with Person(sandbox) as person:
        before = person.settings
        words = ("run", "-t", "-p", str(shared_tmp / "compiled.yaml"), str(shared_tmp / "a.job"))
        person.starts(*words, shows="/dev/pts/0\r\n")
        person.pid_of("sleep", "1000")  # a shell whose `tty` still runs would leave Ctrl-C to that
        person.presses("c")
        person.sees("SIGINT")
        person.sees(OUTER)
        assert person.code == 130
        assert person.settings == before


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_job_ends_with_the_caller_s_terminal_even_where_hangups_are_ignored(sandbox: Sandbox) -> None:
    with Person(sandbox) as person:
        person.asks("trap '' HUP")
        person.starts("exec", "-t", "--", *READY, shows="ready")
        job, supervisor = os.pidfd_open(person.pid_of(*SLEEP)), os.pidfd_open(person.supervisor)
    assert is_gone(job)
    assert is_gone(supervisor)
