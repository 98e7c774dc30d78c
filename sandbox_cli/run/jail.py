"""One jail: from the spawn of the jailer through `ready`, `armed`, the seal and the gate to the last record.

It runs one program, or several one after another. It says what happened; when and why to end it is the supervisor's
to decide.
"""

from __future__ import annotations

import errno
import os
import select
import time

from sandbox_cli.run import channel, fds, inputs, seal, terminal
from sandbox_cli.run.fds import close, own
from sandbox_cli.run.prepared import fill, slots
from sandbox_cli.run.spawn import spawn
from sandbox_cli.run.system import SIGCONT, SIGKILL, first_process, kill_by_pidfd, kill_group, reap, reap_orphans
from sandbox_cli.run.turns import Turn
from sandbox_cli.run.waiting import is_ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.plan.model import Step
    from sandbox_cli.run.channel import Record
    from sandbox_cli.run.model import Work
    from sandbox_cli.run.prepared import Prepared
    from sandbox_cli.run.scratch import Site
    from sandbox_cli.run.waiting import Interest

_LOG_BYTES = 65536  # that are kept of the jailer's own words
_AT_ONCE_BYTES = 32768  # that a socket takes though nobody reads: its smallest default is 160 KiB
_ENDS = ("exit", "signal", "execfail", "armfail")


class Jail:
    """A jail that was started. Its fds are closed by `close`, after which nothing of it runs any more."""

    def __init__(self, prepared: Prepared, work: Work, site: Site) -> None:
        self.fault: str | None = None  # why it must not go on: it is not what was planned
        self.init = 0  # the launcher's pid, as we see it
        self.scratch: int | None = None
        self.inputs: dict[bytes, inputs.Identity] = {}
        self.exit_status: int | None = None  # the jailer's, as os.waitstatus_to_exitcode gives it
        self.log = bytearray()
        self.terminal: int | None = None  # the master of the program's own
        self.turn = Turn(work.get("turns"))
        self.origin = fds.Origin()
        self._forget()
        self._prepared, self._plan, self._work, self._site = prepared, prepared.plan, work, site
        self._slots = slots(site, work["file"])
        self._step: Step | None = None
        self._text = b""  # the message that the launcher has still to get, and the fds that go with it
        self._stdio: Sequence[int] = ()
        self._init_fd: int | None = None
        self._first_fd: int | None = None  # of the jail's PID 1: the launcher, or the jailer's own process above it
        self._talks = self._logs = self._jailer_runs = True
        self._occupied = self._closed = False
        self._jailer = spawn(prepared, site, self._slots)

    def _forget(self) -> None:
        """What is known of one program."""
        self.started = False
        self.end: list[str] | None = None  # the launcher's last word on the program
        self.total: list[str] | None = None
        self.opened: float | None = None  # when the gate was, and when the program ended
        self.ended: float | None = None
        self.finished: float | None = None  # when the program had ended or the jail was empty, whichever came first
        self.inspected: list[str] = []
        close(self.terminal)
        self.terminal = None

    def fill(self, text: str) -> bytes:
        """One of a plan's words as the job sees it."""
        return fill(os.fsencode(text), self._slots)

    def begin(self, step: Step, arguments: list[bytes], stdio: Sequence[int]) -> None:
        """Has the jail run a program, as soon as it is ready for one; `stdio` is the jail's from here on."""
        self._forget()
        self._step, self._stdio = step, stdio
        self._text = self._prepared.message(step, arguments, self._work, self._site, self._slots)
        if self.init or len(self._text) <= _AT_ONCE_BYTES:
            self._send()

    @property
    def _last(self) -> bool:
        """Whether nothing follows: the jail's end is then that of its program."""
        return self._step is self._plan

    @property
    def alive(self) -> bool:
        """A process of the jail, or the jailer, is still there."""
        return self._jailer_runs or self._occupied

    def interests(self, *, brief: bool = False, output_open: bool = False) -> list[Interest]:
        """What the jail waits for now. To be woken costs as much as what is done then: `brief` leaves out what comes
        before something else that is waited for, as the program's end comes with that of its output."""
        if brief and self.total is not None and self._jailer_runs:
            return [(self._jailer.pidfd, select.POLLIN, self._jailer_ended)]
        found: list[Interest] = []
        if self._talks and not (brief and output_open and self.opened is not None):
            found.append((self._jailer.control.fileno(), select.POLLIN, self._read_records))
        if self.turn.awaited is not None:
            found.append((self.turn.awaited, select.POLLIN, self._open))
        if self._logs:
            found.append((self._jailer.log, select.POLLIN, self._read_log))
        if self._jailer_runs:
            found.append((self._jailer.pidfd, select.POLLIN, self._jailer_ended))
        if self._occupied and self._first_fd is not None:
            found.append((self._first_fd, select.POLLIN, self._emptied))
        if self._occupied and self._init_fd is not None and self._init_fd != self._first_fd:
            found.append((self._init_fd, select.POLLIN, self._init_ended))
        return found

    def kill(self) -> None:
        """Kills the jail's PID 1, whose end is the end of all in it; before there is one, the jailer."""
        if self._occupied and self._first_fd is not None:
            kill_by_pidfd(self._first_fd)
        else:
            self.kill_jailer()

    def kill_jailer(self) -> None:
        """Ends the jailer itself; where it has a watcher, that one does it, and ends what it was about to start."""
        close(self._jailer.lifeline)
        self._jailer.lifeline = None
        if self._jailer_runs:  # a watcher that somebody stopped must go on, or it kills nobody
            kill_by_pidfd(self._jailer.pidfd, SIGCONT if self._plan["watched"] else SIGKILL)

    def drain(self) -> None:
        """Reads what was said before everybody was gone."""
        while self._talks and is_ready(self._jailer.control.fileno()):
            self._read_records()
        while self._logs and is_ready(self._jailer.log):
            self._read_log()
        if self.opened is not None and self.end is None:
            self.started = True  # it may have been, and have killed the launcher before that could say so

    def close(self) -> None:
        """Ends whatever still runs, reaps the jailer and closes every fd but scratch."""
        if self._closed or not self.origin.is_here:
            return
        self._closed = True
        if self.alive:
            self.kill()
            self.kill_jailer()
        fds.close_socket(self._jailer.control)  # the lifeline of `init`
        if self._jailer_runs:
            self._jailer_ended()
        if self._first_fd is not None:
            reap_orphans(os.P_PIDFD, self._first_fd)
        self.turn.give_back()
        close(self.terminal, self._init_fd, self._first_fd if self._first_fd != self._init_fd else None, *self._stdio)
        self._jailer.close()

    # ---- the launcher's records ----

    def _read_records(self) -> None:
        records = channel.receive(self._jailer.control)
        if records is None:
            self._talks = False
            return
        for record in records:
            self._take(record)

    def _take(self, record: Record) -> None:
        """Only the launcher is believed, by the sender that the kernel names; the first word on each thing stands."""
        word, fd = record.words[0], record.fd
        if not channel.is_sound(record.words):
            pass
        elif self.init == 0:
            if word == "ready":
                self._ready(record.sender)
        elif word == "armed" and self.opened is None and self.fault is None:
            self._armed(record.sender)
        elif record.sender == self.init:
            if word == "dir" and self.scratch is None and fd is not None:
                if not self._site.owns(fd):
                    self.fault = "the jail's directory is not the job's"
                    close(fd)
                    return
                self.scratch, fd = fd, None
                owner = (self._site.uid, self._site.gid) if self._plan["account"]["root"] else None
                self.inputs = inputs.put(self.scratch, self._work["inputs"], owner)
            elif word == "tty" and self.terminal is None and fd is not None:
                self._prepare_terminal(fd)
                self.terminal, fd = fd, None
            else:
                self._note(record.words)
        close(fd)

    def _note(self, words: list[str]) -> None:
        if words[0] == "nodir":
            self.fault = f"the job's directory can't be opened in the jail: {os.strerror(int(words[1]))}"
        elif words[0] == "notty":
            self.fault = f"the jail has no terminal to give: {os.strerror(int(words[1]))}"
        elif words[0] == "started":
            self.started = True
        elif words[0] in _ENDS and self.end is None:
            self.end = words
            self.ended = self.finished = time.monotonic()
        elif words[0] == "total" and self.total is None:
            self.total = words
            if self._last:
                self.turn.give_back()  # what is left of the jail is in nobody's way
                if self._init_fd != self._first_fd:
                    self.kill()  # the jailer's own PID 1 would take 18 ms to see that its child is gone

    def _ready(self, sender: int) -> None:
        self.init = sender
        try:
            self._init_fd = own(os.pidfd_open, sender)
            first = first_process(sender)
            self._first_fd = self._init_fd if first == sender else own(os.pidfd_open, first)
            self._occupied = True
        except (ProcessLookupError, FileNotFoundError):
            return  # see _send
        if self._text:
            self._send()

    def _send(self) -> None:
        """Before anybody is there to read it, where it fits into the socket: nobody waits for the other then."""
        try:
            channel.send(self._jailer.control, self._text, self._stdio)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it is gone already: the end of its socket and of the jailer says the rest
        except OSError as error:
            if self.init or error.errno != errno.ETOOMANYREFS:
                raise
            return  # as many fds of this account are on their way as may be: once it is ready, they arrive at once
        self._text = b""
        close(*self._stdio)
        self._stdio = ()

    def _prepare_terminal(self, master: int) -> None:
        caller = self._work.get("terminal")
        if caller is not None and (fault := terminal.prepare(master, caller)) is not None:
            self.fault = seal.broken([fault])

    def _armed(self, child: int) -> None:
        """The seal: the gate opens only where the jail is what was planned."""
        if self._last and self._work.get("terminal") and self.terminal is None:
            self.fault = "the job's terminal got lost on its way"  # where we have no fd left for it
            return
        refused = "the program can't be put into its control group"
        try:
            if self._site.group is not None:
                self._site.group.admit(child)
            refused = "the jail can't be inspected"
            assert self._step is not None
            self.inspected, faults = seal.inspect(self._prepared, self._step, self._site, self.init, child)
            if faults:
                self.fault = seal.broken(faults)
                return
            self._open()
        except (FileNotFoundError, ProcessLookupError):
            self.fault = "the jail ended while it was inspected"
        except OSError as error:
            self.fault = f"{refused}: {error.strerror}: {error.filename}"

    def _open(self) -> None:
        """Opens the gate, as soon as it is the program's turn."""
        if self.turn.take():
            self.opened = time.monotonic()
            try:
                channel.open_gate(self._jailer.control)
            except (BrokenPipeError, ConnectionResetError):
                self.fault = "the jail ended before its gate was opened"

    # ---- the ends of processes ----

    def _read_log(self) -> None:
        data = os.read(self._jailer.log, 65536)
        self._logs = bool(data)
        self.log += data[: _LOG_BYTES - len(self.log)]

    def _jailer_ended(self) -> None:
        """Ends what the jailer left in its group: one that was killed while it started leaves a child that waits for it
        forever. Not reaped yet, so that the number of the group is still its own; `init` is in another session."""
        kill_group(self._jailer.pidfd, self._jailer.pid)
        self.exit_status = reap(self._jailer.pidfd)
        reap_orphans(os.P_PGID, self._jailer.pid)
        self._jailer_runs = False
        self.kill()  # a jail must not outlive its jailer

    def _emptied(self) -> None:
        self._occupied = False
        self.finished = self.finished or time.monotonic()

    def _init_ended(self) -> None:
        """Below a PID 1 of the jailer's own, the launcher's end is not yet the jail's."""
        self.drain()
        self.kill()
