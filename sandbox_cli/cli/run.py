"""`sandbox run`: code in, result out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output, terminal
from sandbox_cli.cli.audited import audited
from sandbox_cli.cli.cancel import Cancellation
from sandbox_cli.cli.deliver import deliver
from sandbox_cli.cli.destination import destination
from sandbox_cli.cli.jobs import Request, of_code, work
from sandbox_cli.cli.options import Options, with_options
from sandbox_cli.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.audit.line import Kind
    from sandbox_cli.job import Job
    from sandbox_cli.plan.model import Plan


@with_options()
def run(options: Options, words: list[str]) -> int:
    """Run code: a FILE, `-` for standard input, or -c CODE.

    Options stand before FILE; what follows is the program's own.
    """
    return perform("run", options, words, of_code)


def _warn(plan: Plan, job: Job) -> None:
    """What `--best-effort` lowers, and of limits that were asked for in so many words those that are not to be had."""
    from sandbox_cli.plan.words import listed

    if plan["lowered"]:
        names = listed([gap["clause"] for gap in plan["lowered"]])
        output.tell(f"--best-effort holds {names} less well than policy {plan['policy']['name']} requires")
        output.table_of(plan["lowered"])
    notes = {row["clause"]: row["note"] for row in plan["receipt"]["clauses"]}
    for name, limit in plan["limits"].items():
        if limit["level"] == "none" and limit["blame"]["source"] == "option":
            output.tell(f"limits.{name} is not held here: {notes[f'limits.{name}']}")
    _warn_of_ceiling(plan, job)


def _warn_of_ceiling(plan: Plan, job: Job) -> None:
    from sandbox_cli.policy.requirements import OF_COMPILE

    asked = {f"limits.{name}".replace("limits.compile.", OF_COMPILE) for name in job.get("limits", {})}
    for row in plan["receipt"]["clauses"]:
        if row["clause"] in asked and row["asked"] != row["effective"]:
            output.tell(f"{row['clause']} is {row['effective']} in place of {row['asked']}: {row['note']}")


def perform(kind: Kind, options: Options, words: list[str], read: Callable[[Options, list[str]], Request]) -> int:
    """The whole way of a job: request, plan, run, result."""
    from sandbox_cli.cli.live import live_line
    from sandbox_cli.plan import compile  # noqa: A004 (policies, Jinja, pydantic: 150 ms for a job alone)
    from sandbox_cli.run import execute

    with Cancellation() as cancellation, audited(kind, options, cancellation) as job:
        request = read(options, words)
        job.describe(request.job, request.code.content if request.code else None)
        plan = compile(request.job, config=job.config, ceilings=job.ceilings)
        if not options.json:
            _warn(plan, request.job)
        with destination(options.output) as output_directory:
            prepared = work(options, request, plan, job_id=job.id, output=output_directory.path, cancel=cancellation.fd)
            cancellation.relay()
            relayed, line = terminal.relayed(options.terminal), live_line(json=options.json, relayed=options.terminal)
            with relayed as prepared["terminal"], line as prepared["live"]:
                outcome = execute(plan, prepared)
            job.end(outcome)
            if outcome["error"] is None:
                output_directory.keep()
    saved = options.output is not None
    code = deliver(
        outcome,
        json=options.json,
        result=options.result,
        verbose=options.verbose,
        saved=saved,
        value=options.value,
    )
    return HostError.exit_code if job.lost else code
