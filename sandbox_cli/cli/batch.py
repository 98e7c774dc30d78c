"""`sandbox batch`: JSON lines in, JSON lines out."""

from __future__ import annotations

import os
import select
import shlex
import signal
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import inputs, output, resumed
from sandbox_cli.cli.cancel import Cancellation
from sandbox_cli.cli.options import (
    AuditFile,
    BestEffort,
    Capture,
    Limit,
    Locked,
    Memory,
    Network,
    Timeout,
    backend_option,
    language_option,
    policy_option,
)
from sandbox_cli.errors import HostError, RefusedError, UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from sandbox_cli.api.plans import Plans
    from sandbox_cli.batch import Batch
    from sandbox_cli.batch.one import Defaults
    from sandbox_cli.batch.sink import Results
    from sandbox_cli.job import Job

_MOST_AT_ONCE = 1024
_OUT = 1
_TICK_MS = 200  # between two looks at the progress


def batch(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="The jobs. Default: standard input.")] = "-",
    *,
    jobs: Annotated[
        int | None,
        typer.Option(
            "-j", "--jobs", metavar="N", min=1, max=_MOST_AT_ONCE, help="At the same time. Default: a job a core."
        ),
    ] = None,
    ordered: Annotated[
        bool, typer.Option("--ordered", help="Results in the order of the jobs. Default: as they are finished.")
    ] = False,
    retries: Annotated[
        int,
        typer.Option(
            "--retries", metavar="N", min=0, help="How often a job is tried again where the sandbox itself failed."
        ),
    ] = 0,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RESULTS",
            help="Append the results to this file, and run only the jobs that have none in it.",
        ),
    ] = None,
    policy: Annotated[str | None, policy_option(help="The policy of jobs that name none.")] = None,
    locked: Locked = False,
    language: Annotated[str | None, language_option(help="The language of code that names none.")] = None,
    backend: Annotated[str | None, backend_option(help="The jailer of jobs that name none.")] = None,
    limit: Limit = [],  # noqa: B006 (the parser copies it)
    timeout: Timeout = None,
    memory: Memory = None,
    network: Network = None,
    capture: Capture = "1MiB",
    audit: AuditFile = None,
    best_effort: BestEffort = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, and no summary at the end.")] = False,
) -> int:
    """Run many jobs: a JSON object a line in, its result a line out.

    What the options say of a job holds for those that say nothing else; each moves within its policy's maxima.

    Exits 0 where every job ended well, 1 where one didn't, 125 where this host failed one, or its result.
    """
    from sandbox_cli.api.plans import Plans
    from sandbox_cli.audit.job import try_files
    from sandbox_cli.batch import Batch
    from sandbox_cli.batch.jobs import Jobs
    from sandbox_cli.batch.lines import Lines
    from sandbox_cli.batch.one import Defaults
    from sandbox_cli.batch.results import ResultsFile
    from sandbox_cli.batch.room import workers
    from sandbox_cli.batch.seen import Seen
    from sandbox_cli.batch.stop import Stop
    from sandbox_cli.cli.progress import progress
    from sandbox_cli.cli.summary import summarize

    keys = {"policy": policy, "backend": backend, "network": network}
    defaults = Defaults(
        keys={name: value for name, value in keys.items() if value is not None},
        language=language,
        limits=inputs.limits(limit, timeout, memory),
        locked=locked,
        best_effort=best_effort,
        capture_bytes=inputs.capture_bytes(capture),
    )
    at_once = workers(jobs, len(os.sched_getaffinity(0)))
    with Cancellation() as cancellation, _opened(file) as source:
        plans = Plans(audit)
        try_files(plans.demands)
        _try(defaults, plans)
        with Stop() as stop, _results(resume, stop.fd) as results, Seen() as seen:
            lines, size, began = Lines(source, stop.fd), _size(source), time.monotonic()
            found = Jobs(lines, seen, results.finished, defaults.of)
            cancellation.relay()
            running = Batch(found, results, plans, defaults, stop, at_once=at_once, ordered=ordered, retries=retries)
            try:
                bar = progress(lines, running.tally, size, is_wanted=not quiet, to_file=resume is not None)
                with bar as show:
                    number = _watch(running, cancellation, show, has_reader=resume is None)
            finally:
                running.cancel()
                problem = running.finish()
    if isinstance(problem, BrokenPipeError):
        number = number or signal.SIGPIPE
    if isinstance(results, ResultsFile) and number is None and problem is None:
        resumed.tell_of_strangers(results, found.skipped)
    if not quiet and number != signal.SIGPIPE:
        summarize(running.tally, time.monotonic() - began, skipped=found.skipped)
    return _code(running, number, problem, resume)


def _watch(
    running: Batch, cancellation: Cancellation, show: Callable[[], None] | None, *, has_reader: bool
) -> int | None:
    """Until no more is to come. Returns the signal that ended it: SIGPIPE where nobody reads the results any more."""
    number = None
    poll = select.poll()
    poll.register(running.over, select.POLLIN)
    poll.register(cancellation.fd, select.POLLIN)
    if has_reader:
        poll.register(_OUT, 0)  # says unasked that its reader is gone
    while True:
        ready = {fd for fd, _ in poll.poll(None if show is None else _TICK_MS)}
        if cancellation.fd in ready:
            came = os.read(cancellation.fd, 1)[0]
            number = number or came
        if _OUT in ready:
            poll.unregister(_OUT)
            number = number or signal.SIGPIPE
        if number is not None:
            running.cancel(number)
        if running.over in ready:
            return number
        if show is not None:
            show()


def _code(running: Batch, number: int | None, problem: OSError | None, resume: str | None) -> int:
    """Says what went wrong with the batch as a whole. Raises HostError where results could not be written."""
    if problem is not None and number is None:
        raise _unwritten(resume, problem)
    if number == signal.SIGPIPE:
        return output.SIGPIPE_STATUS
    if running.lost is not None:
        output.tell(running.lost)
    if number is not None or running.unfinished:
        ended = f"{running.unfinished} job{'' if running.unfinished == 1 else 's'}"
        why = f"cancelled by {signal.Signals(number).name}" if number is not None else "not gone on with"
        output.tell(f"{why}: {ended} were ended, and have no result")
        if resume is not None:
            output.hint("the same command goes on with what is left")
    if number is not None:
        return 128 + number
    if running.tally.failed_here:
        return HostError.exit_code
    return 0 if running.tally.statuses.keys() <= {"ok"} else 1


def _try(defaults: Defaults, plans: Plans) -> None:
    """What the options say is tried on a job that says nothing else. Raises UsageError or PolicyError.

    It has the host looked at, too, before there are threads: that may move this process into a group.
    """
    job: Job = {
        "policy": defaults.keys.get("policy"),
        "backend": defaults.keys.get("backend"),
        "network": defaults.keys.get("network"),
        "limits": dict(defaults.limits),
        "locked": defaults.locked,
        "best_effort": defaults.best_effort,
    }
    if defaults.language is not None:
        job |= {"language": defaults.language, "code": b""}
    else:
        job["command"] = ["true"]
    try:
        plans.of(job)
    except (HostError, RefusedError):
        return  # the jobs may say something else


@contextmanager
def _opened(file: str) -> Generator[int]:
    """The jobs, open for reading."""
    from sandbox_cli.given.code import open_file

    if file == "-":
        yield 0
        return
    fd = open_file(file)
    try:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise UsageError(f"{quoted(file)} is a directory", hint="name a file of jobs, one a line")
        yield fd
    finally:
        os.close(fd)


def _size(fd: int) -> int | None:
    """Bytes that are still to be read, where it is a file."""
    looks = os.fstat(fd)
    return looks.st_size - os.lseek(fd, 0, os.SEEK_CUR) if stat.S_ISREG(looks.st_mode) else None


@contextmanager
def _results(resume: str | None, stop: int) -> Generator[Results]:
    from sandbox_cli.batch.results import ResultsFile
    from sandbox_cli.batch.stream import Stream

    results = Stream(_OUT, stop) if resume is None else ResultsFile(resume)
    if isinstance(results, ResultsFile):
        resumed.tell_of_file(results)
    yield results
    try:
        results.close()
    except OSError as error:
        raise _unwritten(resume, error) from None


def _unwritten(resume: str | None, error: OSError) -> HostError:
    where = "standard output" if resume is None else quoted(resume)
    again = f"--resume {'RESULTS' if resume is None else shlex.quote(resume)}"
    hint = f"make room, and go on with {again}: the results that are there count"
    return HostError(f"can't write results to {where}: {error.strerror or error}", hint=hint)
