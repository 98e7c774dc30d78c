"""A terminal of the jail's own: made of its devpts, its other end sent to the supervisor, its name valid in there."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
from typing import TYPE_CHECKING

import pytest

from tests.launcher import bpf
from tests.launcher.protocol import ANOTHER_FOLLOWS, AS_PID_1, AS_PID_2, TERMINAL, Ended, Init, pack, python

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.launcher.protocol import Start

# A devpts of its own below the namespaces of the other tests.
MOUNT = 'mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts /dev/pts && exec "$@"'
DEVPTS = ["unshare", "-Urm", "--", "sh", "-c", MOUNT, "sh"]
NO_DEVPTS = ["unshare", "-Urm", "--", "sh", "-c", 'mount -t tmpfs none /dev/pts && exec "$@"', "sh"]
FULL = MOUNT.replace("mode=620", "max=1").replace("&& exec", "&& exec 9<>/dev/pts/ptmx && exec")  # held by unshare
FULL_DEVPTS = ["unshare", "-Urm", "--", "sh", "-c", FULL, "sh"]

anywhere = pytest.mark.parametrize("under", [AS_PID_1, AS_PID_2], ids=["as-pid-1", "below-pid-1"])


def on_a_terminal(init: Init, argv: Sequence[bytes], flags: int = TERMINAL, typed: bytes = b"") -> tuple[Ended, bytes]:
    """A whole job on a terminal of 33 lines and 44 columns, and all that it showed."""
    ended = init.arm(argv, flags=flags)
    assert ended.lines == ["ready", "dir", "tty", "armed"]
    (master,) = ended.record("tty").fds
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("4H", 33, 44, 0, 0))
    init.open_gate()
    os.write(master, typed)
    init.finish(ended)
    return ended, shown_on(master)


def shown_on(master: int) -> bytes:
    shown = b""
    try:
        while select.select([master], [], [], 5)[0]:
            shown += os.read(master, 65536)
    except OSError:  # EIO: nobody has it open any more
        return shown
    pytest.fail("somebody still has the terminal open")


@anywhere
def test_terminal_is_stdio_and_known_by_its_name_in_there(start: Start, under: list[str]) -> None:
    script = b"tty; tty 0<&1; tty 0<&2; ls /dev/pts; stty size"
    ended, shown = on_a_terminal(start(under=[*DEVPTS, *under]), [b"/bin/sh", b"-c", script])
    assert ended.lines[-2:] == ["started", "exit 0"]
    assert shown.split() == [b"/dev/pts/0"] * 3 + [b"0", b"ptmx", b"33", b"44"]


@anywhere
def test_terminal_is_the_job_s_controlling_one(start: Start, under: list[str]) -> None:
    read = b"read line </dev/tty"
    ended, shown = on_a_terminal(start(under=[*DEVPTS, *under]), [b"/bin/sh", b"-c", read], typed=b"\x03")
    assert ended.lines[-1] == "signal 2 0"
    assert shown == b"^C"


def test_job_holds_no_other_fd(start: Start) -> None:
    code = "import os; print([n for n in range(4096) if os.path.exists(f'/proc/self/fd/{n}')])"
    ended, shown = on_a_terminal(start(under=[*DEVPTS, *AS_PID_1]), python(code))
    assert ended.lines[-1] == "exit 0"
    assert shown == b"[0, 1, 2]\r\n"


def test_streams_of_the_message_are_closed(start: Start) -> None:
    reader, writer = os.pipe()
    init = start(under=[*DEVPTS, *AS_PID_1])
    ended = init.arm([b"/bin/sleep", b"9"], fds=[reader, writer, writer], flags=TERMINAL)
    os.close(writer)
    assert ended.lines[-1] == "armed"
    assert select.select([reader], [], [], 5)[0]
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_second_job_may_have_a_terminal_where_the_first_had_none(start: Start) -> None:
    init = start(under=[*DEVPTS, *AS_PID_1])
    ended = init.arm([b"/bin/true"], flags=ANOTHER_FOLLOWS)
    assert ended.lines == ["ready", "dir", "armed"]
    init.open_gate()
    assert [init.expect(word).line for word in ("started", "exit")] == ["started", "exit 0"]
    init.expect("total")
    with open(os.devnull, "r+b", buffering=0) as null:
        init.send(pack([b"/bin/sh", b"-c", b"tty"], flags=TERMINAL), [null.fileno()] * 3)
    (master,) = init.expect("tty").fds
    init.expect("armed")
    init.open_gate()
    assert shown_on(master) == b"/dev/pts/0\r\n"
    assert init.finish(Ended()).lines == ["started", "exit 0"]


def test_filter_binds_the_job_and_not_the_making_of_its_terminal(start: Start) -> None:
    denied = bpf.answer("ioctl", bpf.ERRNO | 1)
    init = start(under=[*DEVPTS, *AS_PID_1])
    ended = init.arm([b"/bin/sh", b"-c", b"test -t 0 || exit 9"], flags=TERMINAL, bpf=denied)
    init.open_gate()
    assert init.finish(ended).lines[-1] == "exit 9"


@pytest.mark.parametrize(("pts", "error"), [(NO_DEVPTS, 2), (FULL_DEVPTS, 28)], ids=["missing", "full"])
@anywhere
def test_jail_without_a_terminal_says_so_and_starts_nothing(
    start: Start, under: list[str], pts: list[str], error: int
) -> None:
    init = start(under=[*pts, *under])
    assert init.finish(init.arm(flags=TERMINAL)).lines == ["ready", "dir", f"notty {error}"]
    assert init.process.wait() == 125
