"""Starting the jailer: its fds, its arguments, `launcher enter` before it."""

from __future__ import annotations

import _socket
import fcntl
import os

from sandbox_cli.run import fds
from sandbox_cli.run.fds import close
from sandbox_cli.run.system import SIGCHLD, SIGKILL
from sandbox_cli.slots import CONTROL_FD, DATA_FD, LAUNCHER_FD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.run.prepared import Prepared, Slots
    from sandbox_cli.run.scratch import Site


class Spawned:
    """A jailer that was started: our ends of everything between us and it."""

    def __init__(self, pid: int, pidfd: int, control: _socket.socket, log: int, lifeline: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.control = control
        self.log = log  # what the jailer itself says
        self.lifeline: int | None = lifeline  # its end tells `enter`, where that stays, to kill the jailer

    def close(self) -> None:
        fds.close_socket(self.control)
        close(self.pidfd, self.log, self.lifeline)
        self.lifeline = None


def spawn(prepared: Prepared, site: Site, slots: Slots) -> Spawned:
    """Starts `launcher enter JAILER ...`. Raises OSError when it can't be started at all."""
    opened: list[int] = []  # what is closed again, however it goes
    with fds.apart:  # but not while the jailer is started, which takes longer: all is listed by then
        ours, theirs = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        fds.adopt_socket(ours)
        fds.adopt_socket(theirs)
    try:
        ours.setsockopt(_socket.SOL_SOCKET, _socket.SO_PASSCRED, 1)  # the kernel vouches for each record's sender
        with fds.apart:
            try:
                log, lifeline, places = _open_all(prepared, theirs.fileno(), slots, opened)
            finally:
                fds.adopt(*opened)
        pid = os.posix_spawn(
            prepared.launcher,
            _enter(prepared, site, max(places)) + prepared.argv.filled(slots),
            dict([pair.split(b"=", 1) for pair in prepared.environ.filled(slots)]),
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, place) for place, fd in places.items()],
            # A program may ignore its children's ends, or have a thread that blocks signals: a jailer counts on both.
            setsigmask=(),
            setsigdef=(SIGCHLD,),
            setsid=True,  # at once: a terminal's Ctrl-C is for us, who cancel the job
        )
        pidfd = fds.own(_pidfd, pid)
        opened.remove(log)
        opened.remove(lifeline)
    except BaseException:
        fds.close_socket(ours)
        raise
    finally:
        fds.close_socket(theirs)
        close(*opened)
    return Spawned(pid, pidfd, ours, log, lifeline)


def _open_all(prepared: Prepared, control: int, slots: Slots, opened: list[int]) -> tuple[int, int, dict[int, int]]:
    """Our ends of the log and of the lifeline, and what is put where in the jailer; all is in `opened`, too."""

    def new(fd: int) -> int:
        opened.append(fd)
        return fd

    log, log_end = map(new, os.pipe2(os.O_CLOEXEC))
    lifeline_end, lifeline = map(new, os.pipe2(os.O_CLOEXEC))
    null = new(os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))
    program = new(os.open(prepared.launcher, os.O_RDONLY | os.O_CLOEXEC))
    places = {0: null, 1: log_end, 2: log_end, CONTROL_FD: control, LAUNCHER_FD: program}
    for place, content in enumerate(prepared.data.filled(slots), DATA_FD):
        places[place] = new(_memfd(content))
    if prepared.plan["watched"]:
        places[max(places) + 1] = lifeline_end
    # Before they are put in their places, the fds wait above all of these: one could stand in another's way.
    above = max(places) + 1
    for place, fd in places.items():
        if fd < above:
            places[place] = new(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, above))
    return log, lifeline, places


def _pidfd(pid: int) -> int:
    """Without one nobody can tell when it ends: where there is no fd left, it does at once."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise  # it has ended, and somebody else has reaped it
    except OSError:
        os.kill(pid, SIGKILL)
        os.waitpid(pid, 0)
        raise


def _enter(prepared: Prepared, site: Site, highest: int) -> list[bytes]:
    """The arguments of `launcher enter`, up to the jailer's own; the highest fd is the lifeline of a watcher."""
    plan = prepared.plan
    words = [prepared.launcher, "enter", "-p", str(os.getpid()), "-c", str(highest)]
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
        words += ["-w", str(highest)]
    return [os.fsencode(word) for word in [*words, "--"]]


def _memfd(content: bytes) -> int:
    fd = os.memfd_create("sandbox", os.MFD_CLOEXEC)
    done = 0
    while done < len(content):
        done += os.pwrite(fd, content[done:], done)  # which leaves it at its beginning, where it will be read from
    return fd
