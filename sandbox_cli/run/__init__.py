"""Plan -> Outcome: start the jail, hold it to its limits, and say what happened. The only part that spawns.

Theory of operation
-------------------
The supervisor (this process) starts `launcher enter`, which becomes the jailer, which makes the jail and
starts `launcher init` in it. `init` forks the child that becomes the job's program:

    supervisor --- enter = jailer --- (the jailer's own PID 1, firejail only) --- init --- child = the program
                   `-- before bwrap and firejail `enter` stays between the two, as the jailer's watcher

One unix socketpair joins the supervisor and `init`: records come in, each with the pid that the kernel
says sent it; the message with the program, its limits and its filter goes out with the fds of the job's
stdin, stdout and stderr; the fd of scratch comes back. The jailer holds none of the job's streams: its own
output is a pipe of ours, the log.

    ready   `init` runs in the jail: it gets its message
    dir     the fd of scratch: inputs are written
    armed   the child has its limits and its filter, and waits at the gate: the jail is inspected from
            outside (seal.py); only where it is what was planned does one byte open the gate
    started, then exit | signal | execfail | armfail, then total

Who dies first:

    the program      `init` reaps it, kills and reaps what it left, says so, and ends: the jail is empty
    `init`           as PID 1 the kernel kills the whole jail with it; below firejail's PID 1, we kill that one
    the jailer       we kill the jail's PID 1; bwrap and nsjail would also take it along
    the supervisor   its end of the socket closes: `init` kills everything in the jail, if the gate was
                     opened, and ends; the parent-death signal, or `enter` as watcher, ends the jailer.
                     (bwrap's child has no such signal while bwrap starts, firejail's set-uid bit clears it.)

A job that is compiled first runs two programs in one jail: after the compiler's `total` the next message follows,
with its own limits, seal and gate. Each has a supervisor of its own.

The run is over when the jail's PID 1 is gone (a pidfd says so) and the jailer is reaped; then what is left
in the socket and the pipes is read, artifacts are collected through the fd of scratch, and only then is it
judged what happened (verdict.py). Nothing here knows policies, Jinja or YAML, and nothing heavy is imported.
"""

from __future__ import annotations

import errno
import os
import time

from sandbox_cli.backends import BACKENDS
from sandbox_cli.errors import HostError
from sandbox_cli.run import artifacts, verdict
from sandbox_cli.run.fds import Origin, close
from sandbox_cli.run.jail import Jail
from sandbox_cli.run.limits import groups
from sandbox_cli.run.outcome import blank, compiled, decide, describe, note
from sandbox_cli.run.planted import Planted
from sandbox_cli.run.prepared import prepare
from sandbox_cli.run.scratch import Site, sweep
from sandbox_cli.run.supervise import Supervisor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.backends.base import JailerReport
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.result import Outcome
    from sandbox_cli.run.keep import Keeping
    from sandbox_cli.run.model import Work
    from sandbox_cli.run.prepared import Prepared


_SWEEP_EVERY_S = 1.0
_SWEEP_S = 1.0  # that a job waits for what others left
_SWEEP_GROUPS_S = 0.05  # what is killed goes at once; what is frozen doesn't, and would keep every job


def execute(plan: Plan, work: Work) -> Outcome:
    """Runs one job and returns what happened, a jail that failed (`sandbox-error`) included.

    Raises UsageError for an input that can't be read, HostError where scratch, an account or the jailer
    can't be had. Nothing of the job is left running or lying about then, or ever.
    """
    for step in (plan["compile"], plan):
        if step is not None and "/" not in step["command"][0]:
            outcome = blank(plan, work)
            decide(outcome, verdict.not_found(step["command"][0]))
            return outcome
    origin = Origin()
    prepared = prepare(plan)
    _sweep(prepared)
    site = Site(plan)
    jail = keeping = None
    planted = Planted(plan["unwanted"])
    try:
        keeping = _keeping(work.get("keep"))
        with _Starting():
            jail = Jail(prepared, work, site)
        outcome = _run(plan, work, site, jail, planted)
        if keeping is not None and jail.started and jail.scratch is not None:
            outcome["kept"] = keeping.take(jail.scratch, plan["scratch"]["size_bytes"] or None, work["cancel"])
        return outcome
    finally:
        if origin.is_here:
            if jail is not None:
                jail.close()
                close(jail.scratch)
            planted.set_aside()
            if keeping is not None:
                keeping.close()
            site.close()


def _sweep(prepared: Prepared) -> None:
    """Not before every job of many: what lies about has time."""
    now, plan = time.monotonic(), prepared.plan
    if prepared.swept is None or now >= prepared.swept + _SWEEP_EVERY_S:
        prepared.swept = now
        sweep(plan["account"]["uid_range"], patience_s=_SWEEP_S)
        groups.sweep(plan["groups"], _SWEEP_GROUPS_S)


def _keeping(path: str | None) -> Keeping | None:
    if path is None:
        return None
    from sandbox_cli.run.keep import Keeping  # few jobs have one

    return Keeping(path)


def _run(plan: Plan, work: Work, site: Site, jail: Jail, planted: Planted) -> Outcome:
    outcome = blank(plan, work)
    if plan["compile"] is not None:
        # What a compiler says goes where it can't be taken for the program's own output.
        stdin = work["stdin"] if work.get("terminal") else None  # one of its own, whose Ctrl-C ends it
        own: Work = {**work, "arguments": [], "stdin": stdin, "stdout": work["stderr"]}
        with _Starting():
            compiler = Supervisor(plan, plan["compile"], own, site, jail)
        compiler.run()
        report = None if jail.alive else _report(plan, jail)
        if report is not None and compiler.failure is None and jail.end == ["exit", "0"]:
            compiler.failure = "the jail was ended from outside when the code was compiled"
        if not compiled(outcome, compiler, plan["compile"], report):
            jail.close()
            note(outcome, planted.set_aside())
            return outcome
        assert jail.scratch is not None
        with _Starting():
            os.fchmod(jail.scratch, 0o700)  # a compiler that closed it would keep the program from its directory
        jail.inputs |= artifacts.known(jail.scratch, cancel=compiler.cancel)
        if site.group is not None:
            site.group.begin(plan["limits"])
    with _Starting():
        program = Supervisor(plan, plan, work, site, jail)
    program.run()
    describe(outcome, plan, work, program, _report(plan, jail))
    note(outcome, planted.set_aside())
    return outcome


def _report(plan: Plan, jail: Jail) -> JailerReport:
    """The jailer's own account, when nothing of the jail is left."""
    jail.close()
    return BACKENDS[plan["backend"]].read(jail.exit_status, bytes(jail.log))


class _Starting:
    """What keeps a jail from being started, in our words."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        if not isinstance(error, OSError):
            return
        scarce = error.errno in (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)
        hint = "a job takes about 30 open files and four processes: see `ulimit -n` and `ulimit -u`" if scarce else None
        raise HostError(f"the jail can't be started: {error.strerror}", hint=hint) from error
