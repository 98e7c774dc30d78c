"""The supervisor of one program of a job: the loop over everything that can happen, until it is over."""

from __future__ import annotations

import math
import os
import select
import time

from sandbox_cli.errors import HostError
from sandbox_cli.run import terminal
from sandbox_cli.run.fds import close
from sandbox_cli.run.limits.sampler import Sampler
from sandbox_cli.run.live import Live
from sandbox_cli.run.streams import Budget, Input, Output, lead_to_one
from sandbox_cli.run.system import SIGHUP, SIGPIPE
from sandbox_cli.run.waiting import is_ready, wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.plan.model import Plan, Step
    from sandbox_cli.run.jail import Jail
    from sandbox_cli.run.limits import Enforcer
    from sandbox_cli.run.model import Work
    from sandbox_cli.run.scratch import Site
    from sandbox_cli.run.waiting import Interest

_START_S = 10.0  # from the spawn to the gate
_END_S = 5.0  # from a kill, or from the program's end, to an empty jail
_DEAD_S = 60.0  # from the first kill: a job of thousands of processes takes the kernel a while


class Supervisor:
    """Runs one program of a job to its end, in a jail that stands, and keeps what was seen of it.

    With the last one, which is the plan itself, the jail is to end, too.
    """

    def __init__(self, plan: Plan, step: Step, work: Work, site: Site, jail: Jail) -> None:
        limits = step["limits"]
        self.cancelled: int | None = None  # the signal
        self.killed: tuple[str, str] | None = None  # the limit for which the job was, and what was seen
        self.failure: str | None = None
        self.sampler: Sampler | None = None
        self.enforcers: list[Enforcer] = []  # from the moment at which the gate opened, the best informed last
        self.group = site.group
        self.budget = Budget(limits["output"]["value"] if "output" in limits else None)
        self.jail = jail
        self.step = step
        self.plan = plan
        self._terminal = work.get("terminal")
        self.cancel = work["cancel"]
        self._stopping = self._interrupted = self._late = False
        self._stopped: float | None = None
        self._deadline: float | None = time.monotonic() + _START_S
        # Where both are to be seen in one place, and neither is kept, they go through one pipe: in their own order.
        together = work["capture"] == 0 and lead_to_one(work["stdout"], work["stderr"])
        self._streams: list[Input | Output] = []
        try:
            self._streams.append(stdin := Input(work["stdin"]))
            self._streams.append(stdout := Output(work["stdout"], work["capture"], self.budget))
            joined = stdout if together else None
            self._streams.append(stderr := Output(work["stderr"], work["capture"], self.budget, joined))
            self.stdin, self.stdout, self.stderr = stdin, stdout, stderr
            self._live = Live(work.get("live"), limits, stdin, (stdout, stderr))
            if plan["account"]["root"]:
                for end in (stdout.job_end, stderr.job_end):
                    os.fchown(end, site.uid, site.gid)  # or the job could not open its own /dev/stdout
        except BaseException:
            close(*(each.job_end for each in self._streams))
            self._close_streams()
            raise
        jail.begin(step, work["arguments"], [each.job_end for each in self._streams])

    def run(self) -> None:
        """Until the program is over, all that it left is gone and all that it wrote is taken."""
        try:
            while self.jail.alive and (self.step is self.plan or self.jail.total is None):
                self._wait()
            if not self.jail.alive:
                self.jail.drain()
            self._live.end()
            self._flush()
            self._forget_lost_group()
        finally:
            if self.jail.origin.is_here:
                self._live.end()
                self._close_streams()
        lost = self.stdout.broken or self.stderr.broken
        if lost is not None and not isinstance(lost, BrokenPipeError):
            raise HostError(
                f"the job was killed: its output can't be passed on: {lost.strerror}",
                hint="make room where standard output or standard error goes",
            )

    def _close_streams(self) -> None:
        for stream in self._streams:
            stream.close()

    def _wait(self) -> None:
        """Waits for the next event, or for the moment at which something is due, and deals with it."""
        jail = self.jail
        brief = self.step is self.plan and not self._stopping  # the end of a compiler is not that of its jail
        output_open = not (self.stdout.ended and self.stderr.ended)
        wait(jail.interests(brief=brief, output_open=output_open) + self._interests(), self._patience(), jail.origin)
        if jail.fault is not None:
            self._stop(failure=jail.fault)
        if jail.opened is not None and not self.enforcers:
            self._gate_opened(jail.opened)
        if jail.ended is not None and not self._stopping:
            self._deadline = jail.ended + _END_S
        if jail.turn.awaited is not None and not self._stopping:
            self._deadline = None  # how long it waits is not its own doing
        if self._watching:
            self._look()
            self._live.look(self.enforcers)
        late = self._deadline is not None and time.monotonic() >= self._deadline
        # We may have been stopped ourselves (Ctrl-Z): what happened meanwhile comes before what is due, once.
        if late and (self._late or not wait(jail.interests() + self._interests(), 0, jail.origin)):
            self._overdue()
        self._late = late

    def _patience(self) -> float | None:
        """Until something is due, in ms; where nothing is, for 12 days, which is all that poll takes."""
        due = self._next_look()
        if self._deadline is not None and (due is None or self._deadline < due):
            due = self._deadline
        return None if due is None else min(max(0.0, (due - time.monotonic()) * 1000), 1 << 30)

    def _interests(self) -> list[Interest]:
        found: list[Interest] = []
        if self.cancel is not None:
            found.append((self.cancel, select.POLLIN, self._read_cancel))
        if self.jail.opened is None:
            return found
        if self._watching:
            for enforcer in self.enforcers:
                for fd, events in enforcer.interests():
                    found.append((fd, events, enforcer.woken))
        for output in (self.stdout, self.stderr):
            if output.waiting and output.target is not None:
                found.append((output.target, select.POLLOUT, self._passing(output, output.write)))
            elif not output.ended:
                found.append((output.source, select.POLLIN, self._passing(output, output.read)))
        return found + self._input_interests()

    def _input_interests(self) -> list[Interest]:
        found: list[Interest] = []
        if self._terminal is not None:
            found.append((self._terminal["resized"], select.POLLIN, self._resized))
        if (source := self.stdin.wants) is not None:
            found.append((source, select.POLLIN, self._read_input))
        if (target := self.stdin.offers) is not None:
            found.append((target, select.POLLOUT, self.stdin.write))
        return found

    # ---- what happens ----

    def _gate_opened(self, when: float) -> None:
        if self.jail.terminal is not None:
            self.stdin.attach(self.jail.terminal)
            self.stdout.attach(self.jail.terminal)
        limits, scratch = self.step["limits"], self.plan["scratch"]
        wall_time = limits.get("wall_time")
        self._deadline = when + wall_time["value"] if wall_time is not None else None
        counted = scratch["made_by"] == "run" and not scratch["tmpfs"]
        group = self.group
        tree = group is None or not group.sees_all
        first = self.plan["compile"] is None or self.step is not self.plan
        self.sampler = Sampler(self.jail.init, limits, self.jail.scratch, counted=counted, tree=tree, first=first)
        self.enforcers = [self.sampler, *([group] if group is not None else [])]
        self._live.begin(when)

    def _read_input(self) -> None:
        self.stdin.read()
        if self._terminal is not None and self.stdin.source is None:
            self._stop(cancelled=SIGHUP)  # the caller's terminal is gone: nobody can end what runs on the other

    def _resized(self) -> None:
        assert self._terminal is not None
        terminal.resize(self.stdout.source, self._terminal)

    def _passing(self, output: Output, step: Callable[[], object]) -> Callable[[], None]:
        def go() -> None:
            self._live.make_way(output)
            step()
            self._check(output)

        return go

    def _check(self, output: Output) -> None:
        if isinstance(output.broken, BrokenPipeError):
            self._stop(cancelled=SIGPIPE)  # as it would have ended itself, had it written there
        elif output.broken is not None:
            self._stop(failure=str(output.broken))
        elif self.budget.exceeded:
            self._stop(limit=("output", "more was written"))

    def _read_cancel(self) -> None:
        self._interrupted = True
        if (number := self._take_cancel()) is not None:
            self._stop(cancelled=number)

    def _take_cancel(self) -> int | None:
        assert self.cancel is not None
        number = os.read(self.cancel, 1)
        self.cancel = None
        return number[0] if number else None

    def look_for_cancel(self) -> None:
        """A signal that came when the job was over, while its files were collected, cancels too."""
        if self.cancel is not None and is_ready(self.cancel):
            self.cancelled = self._take_cancel()

    @property
    def _watching(self) -> bool:
        return self.jail.end is None and not self._stopping

    def _next_look(self) -> float | None:
        if not self._watching:
            return None
        soonest = self._live.next
        for enforcer in self.enforcers:
            moment = enforcer.next_look
            if moment is not None and (soonest is None or moment < soonest):
                soonest = moment
        return soonest

    def _look(self) -> None:
        """Has each enforcer look whose time it is; the first that finds a limit exceeded ends the job."""
        for enforcer in self.enforcers:
            due = enforcer.next_look if self._watching else None
            if due is None or time.monotonic() < due:
                continue
            try:
                exceeded = enforcer.look(self._deadline if self._deadline is not None else math.inf)
            except OSError as error:
                self._stop(failure=f"the job can't be watched any more: {error.strerror}: {error.filename}")
                continue
            if exceeded is not None:
                self._stop(limit=exceeded)

    def _forget_lost_group(self) -> None:
        """A group that somebody removed while the job ran held it no longer, whatever came of it."""
        if self.group is None or not self.group.lost:
            return
        self.failure = "somebody removed the job's control group while it ran"
        self.enforcers = [each for each in self.enforcers if each is not self.group]
        self.group = None

    def _overdue(self) -> None:
        if self._stopping:
            assert self._stopped is not None
            if time.monotonic() > self._stopped + _DEAD_S:
                raise HostError(f"the jail did not end within {_DEAD_S:.0f} s of being killed")
            self._deadline = time.monotonic() + _END_S
            self.jail.kill()
            self.jail.kill_jailer()
            if self.group is not None:
                self.group.kill()  # a watcher that somebody froze with its group can't kill the jailer
            return
        if self.jail.ended is not None:
            self._stop()  # the program is over; what it left behind takes too long to go
        elif self.jail.opened is not None:
            self._stop(limit=("wall_time", "still running"))
        else:
            self._stop(failure=f"the jail was not ready within {_START_S:.0f} s")

    # ---- what ends it ----

    def _stop(
        self, *, cancelled: int | None = None, limit: tuple[str, str] | None = None, failure: str | None = None
    ) -> None:
        """Kills the jail. The first reason stands; a limit is no reason where the program had ended already."""
        if self._stopping:
            return
        self._stopping = True
        self.cancelled, self.failure = cancelled, failure
        if limit is not None and (self.jail.end is None or limit[0] == "output"):
            self.killed = limit
        if self.sampler is not None and self.jail.end is None:
            self.sampler.last_look()  # the last word on usage: the launcher has none then
        self._stopped = now = time.monotonic()
        self._deadline = now + _END_S
        self.jail.finished = self.jail.finished or now  # what its end takes is not the job's time
        self.jail.kill()

    def _flush(self) -> None:
        """Takes what is left in the pipes. The caller may be slow with it: nothing is due any more."""
        self._deadline = None
        for output in (self.stdout, self.stderr):
            while output.broken is None and not self._interrupted and (output.waiting or output.read()):
                self._check(output)
                if output.waiting:
                    waits = [interest for interest in self._interests() if interest[0] in (output.target, self.cancel)]
                    wait(waits, self._patience(), self.jail.origin)
