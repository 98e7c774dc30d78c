"""Starting the jailer: its fds, its arguments, `launcher enter` before it."""

from __future__ import annotations

import _socket
import fcntl
import os

from sandbox_cli import launcher
from sandbox_cli.run.inputs import write_all
from sandbox_cli.run.system import close
from sandbox_cli.slots import (
    BOOT_ID,
    CONTROL_FD,
    DATA_FD,
    GID,
    HOST_SCRATCH,
    LAUNCHER_FD,
    SCRATCH,
    UID,
    boot_id,
    of_file,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.plan.model import Plan
    from sandbox_cli.run.scratch import Site


class Spawned:
    """A jailer that was started: our ends of everything between us and it."""

    def __init__(self, pid: int, control: _socket.socket, log: int, lifeline: int) -> None:
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.control = control
        self.log = log  # what the jailer itself says
        self.lifeline: int | None = lifeline  # its end tells `enter`, where that stays, to kill the jailer

    def close(self) -> None:
        self.control.close()
        close(self.pidfd, self.log, self.lifeline)
        self.lifeline = None


def filler(site: Site, file: bytes | None) -> Callable[[str], bytes]:
    """The function that fills the slots of a plan's strings, and gives them their bytes."""
    name = os.fsdecode(file or b"")
    values = {
        SCRATCH: site.path,
        HOST_SCRATCH: site.host or site.path,
        UID: str(site.uid),
        GID: str(site.gid),
        BOOT_ID: boot_id(os.urandom(16)),
        **of_file(name),
    }

    def fill(text: str) -> bytes:
        if "\0" in text:
            for slot, value in values.items():
                text = text.replace(slot, value)
        return os.fsencode(text)

    return fill


def spawn(plan: Plan, site: Site, fill: Callable[[str], bytes]) -> Spawned:
    """Starts `launcher enter JAILER ...`. Raises OSError when it can't be started at all."""
    binary = launcher.path()
    opened: list[int] = []  # what is closed again, however it goes

    def new(fd: int) -> int:
        opened.append(fd)
        return fd

    ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)  # the kernel vouches for each record's sender
    try:
        log, log_end = map(new, os.pipe2(os.O_CLOEXEC))
        lifeline_end, lifeline = map(new, os.pipe2(os.O_CLOEXEC))
        null = new(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
        program = new(os.open(binary, os.O_RDONLY | os.O_CLOEXEC))
        places = {0: null, 1: log_end, 2: log_end, CONTROL_FD: theirs.fileno(), LAUNCHER_FD: program}
        for index, piece in enumerate(plan["data"]):
            places[DATA_FD + index] = new(_memfd(fill(piece.decode("utf-8", "surrogateescape"))))
        watch = max(places) + 1
        if plan["watched"]:
            places[watch] = lifeline_end
        # Before they are put in their places, the fds wait above all of these: one could stand in another's way.
        waiting = [(new(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, watch + 1)), place) for place, fd in places.items()]
        pid = os.posix_spawn(
            binary,
            _enter(plan, site, binary, max(places), watch) + [fill(word) for word in plan["argv"]],
            dict(fill(pair).split(b"=", 1) for pair in plan["environ"]),
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, place) for fd, place in waiting],
        )
        opened.remove(log)
        opened.remove(lifeline)
    except OSError:
        ours.close()
        raise
    finally:
        theirs.close()
        close(*opened)
    return Spawned(pid, ours, log, lifeline)


def _enter(plan: Plan, site: Site, binary: str, highest: int, watch: int) -> list[bytes]:
    """The arguments of `launcher enter`, up to the jailer's own."""
    words = [binary, "enter", "-p", str(os.getpid()), "-c", str(highest)]
    for procs in site.group.joins if site.group is not None else ():
        words += ["-g", procs]
    for source, target in plan["binds"]:
        words += ["-b", f"{source}:{target}"]
    scratch = plan["scratch"]
    if scratch["tmpfs"] and site.host:
        size = f"size={scratch['size_bytes']},nr_inodes={scratch['files'] + 1}"  # its own root takes one
        words += ["-s", site.host, "-o", f"{size},mode=0700,uid={site.uid},gid={site.gid}"]
    if plan["account"]["root"]:
        words += ["-u", str(site.uid), "-G", str(site.gid)]
    if plan["watched"]:
        words += ["-w", str(watch)]
    return [os.fsencode(word) for word in [*words, "--"]]


def _memfd(content: bytes) -> int:
    fd = os.memfd_create("sandbox", os.MFD_CLOEXEC)
    write_all(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
