"""One jail: from the spawn of the jailer through `ready`, `armed`, the seal and the gate to the last record.

It runs one program, or several one after another. It says what happened; when and why to end it is the supervisor's
to decide.
"""

from __future__ import annotations

import os
import select
import time

from sandbox_cli.run import channel, inputs, seal, terminal
from sandbox_cli.run.limits.rlimit import within_ours
from sandbox_cli.run.spawn import filler, spawn
from sandbox_cli.run.system import SIGCONT, SIGKILL, close, kill_by_pidfd, status_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sandbox_cli.plan.model import Plan, Step
    from sandbox_cli.run.channel import Record
    from sandbox_cli.run.model import Work
    from sandbox_cli.run.scratch import Site

    Interest = tuple[int, int, Callable[[], None]]  # an fd, the events to wait for, what to do then

_LOG_BYTES = 65536  # that are kept of the jailer's own words
_ENDS = ("exit", "signal", "execfail", "armfail")


class Jail:
    """A jail that was started. Its fds are closed by `close`, after which nothing of it runs any more."""

    def __init__(self, plan: Plan, work: Work, site: Site) -> None:
        self.fault: str | None = None  # why it must not go on: it is not what was planned
        self.init = 0  # the launcher's pid, as we see it
        self.scratch: int | None = None
        self.inputs: dict[bytes, inputs.Identity] = {}
        self.exit_status: int | None = None  # the jailer's, as os.waitstatus_to_exitcode gives it
        self.log = bytearray()
        self.terminal: int | None = None  # the master of the program's own
        self._forget()
        self._plan, self._work, self._site = plan, work, site
        self.fill = filler(site, work["file"])  # a plan's words as the job sees them
        self._step: Step | None = None
        self._arguments: list[bytes] = []
        self._stdio: Sequence[int] = ()
        self._init_fd: int | None = None
        self._first_fd: int | None = None  # of the jail's PID 1: the launcher, or the jailer's own process above it
        self._talks = self._logs = self._jailer_runs = True
        self._occupied = self._closed = False
        self._jailer = spawn(plan, site, self.fill)

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

    def begin(self, step: Step, arguments: list[bytes], stdio: Sequence[int]) -> None:
        """Has the jail run a program, as soon as it is ready for one; `stdio` is the jail's from here on."""
        self._forget()
        self._step, self._arguments, self._stdio = step, arguments, stdio
        if self.init:
            self._send()

    @property
    def _last(self) -> bool:
        """Whether nothing follows: the jail's end is then that of its program."""
        return self._step is self._plan

    @property
    def alive(self) -> bool:
        """A process of the jail, or the jailer, is still there."""
        return self._jailer_runs or self._occupied

    def interests(self) -> Iterator[Interest]:
        """What the jail waits for now."""
        if self._talks:
            yield self._jailer.control.fileno(), select.POLLIN, self._read_records
        if self._logs:
            yield self._jailer.log, select.POLLIN, self._read_log
        if self._jailer_runs:
            yield self._jailer.pidfd, select.POLLIN, self._jailer_ended
        if self._occupied and self._first_fd is not None:
            yield self._first_fd, select.POLLIN, self._emptied
        if self._occupied and self._init_fd is not None and self._init_fd != self._first_fd:
            yield self._init_fd, select.POLLIN, self._init_ended

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
        while self._talks and _ready(self._jailer.control.fileno()):
            self._read_records()
        while self._logs and _ready(self._jailer.log):
            self._read_log()
        if self.opened is not None and self.end is None:
            self.started = True  # it may have been, and have killed the launcher before that could say so

    def close(self) -> None:
        """Ends whatever still runs, reaps the jailer and closes every fd but scratch."""
        if self._closed:
            return
        self._closed = True
        if self.alive:
            self.kill()
            self.kill_jailer()
        self._jailer.control.close()  # the lifeline of `init`
        if self._jailer_runs:
            self._jailer_ended()
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
            if self._last and self._init_fd != self._first_fd:
                self.kill()  # the jailer's own PID 1 would take 18 ms to see that its child is gone

    def _ready(self, sender: int) -> None:
        self.init = sender
        try:
            self._init_fd = os.pidfd_open(sender)
            first = _first_process(sender)
            self._first_fd = self._init_fd if first == sender else os.pidfd_open(first)
            self._occupied = True
        except (ProcessLookupError, FileNotFoundError):
            return  # see _send
        self._send()

    def _send(self) -> None:
        if self._step is None:
            return
        try:
            channel.send(self._jailer.control, self._message(self._step), self._stdio)
        except (BrokenPipeError, ConnectionResetError):
            return  # it is gone already: the end of its socket and of the jailer says the rest
        finally:
            close(*self._stdio)
            self._stdio = ()

    def _message(self, step: Step) -> bytes:
        plan, work = self._plan, self._work
        path, *arguments = (self.fill(word) for word in step["command"])
        environment: dict[bytes, bytes] = {}
        for pair in [*(self.fill(pair) for pair in plan["environment"]), *work["environment"]]:
            environment[pair.split(b"=", 1)[0]] = pair
        return channel.message(
            scratch=os.fsencode(self._site.path),
            directory=self.fill(step["directory"]),
            path=path,
            arguments=[self.fill(step["argv0"]), *arguments, *self._arguments],
            environment=list(environment.values()),
            rlimits=within_ours(step["rlimits"]),
            bpf=plan["filter"],
            # The compiler has a terminal too: nothing but that turns Ctrl-C into a signal, and ends lines for ours.
            flags=(0 if self._last else channel.ANOTHER_FOLLOWS) | (channel.TERMINAL if work.get("terminal") else 0),
        )

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
            self.inspected, faults = seal.inspect(self._plan, self._step, self._site, self.init, child)
            if faults:
                self.fault = seal.broken(faults)
                return
            self.opened = time.monotonic()
            channel.open_gate(self._jailer.control)
        except (FileNotFoundError, ProcessLookupError, BrokenPipeError, ConnectionResetError):
            self.fault = "the jail ended while it was inspected"
        except OSError as error:
            self.fault = f"{refused}: {error.strerror}: {error.filename}"

    # ---- the ends of processes ----

    def _read_log(self) -> None:
        data = os.read(self._jailer.log, 65536)
        self._logs = bool(data)
        self.log += data[: _LOG_BYTES - len(self.log)]

    def _jailer_ended(self) -> None:
        """Ends what the jailer left in its group: one that was killed while it started leaves a child that waits for it
        forever. Not reaped yet, so that the number of the group is still its own; `init` is in another session."""
        try:
            os.killpg(self._jailer.pid, SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # nobody else is in it, or only what a set-uid jailer made
        _, status = os.waitpid(self._jailer.pid, 0)
        self.exit_status = os.waitstatus_to_exitcode(status)
        self._jailer_runs = False
        self.kill()  # a jail must not outlive its jailer

    def _emptied(self) -> None:
        self._occupied = False
        self.finished = self.finished or time.monotonic()

    def _init_ended(self) -> None:
        """Below a PID 1 of the jailer's own, the launcher's end is not yet the jail's."""
        self.drain()
        self.kill()


def _first_process(pid: int) -> int:
    """The PID 1 of the process namespace that `pid` lives in, as we see it; `pid` itself where that is ours too."""
    each = pid
    while True:
        status = status_of(each)
        inner = status["NSpid"].split()
        if len(inner) < 2:
            return pid
        if inner[-1] == "1":
            return each
        each = int(status["PPid"])


def _ready(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))
