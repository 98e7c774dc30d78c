"""`sandbox verify`: attack the jail from inside, and print the evidence."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import output
from sandbox_cli.cli.cancel import Cancellation
from sandbox_cli.cli.options import Json, Locked, backend_option, policy_option
from sandbox_cli.errors import HostError, RefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sandbox_cli.cli.shapes import Verified, VerifiedBackend
    from sandbox_cli.job import Job
    from sandbox_cli.plan.choose import Choice
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.config import Config
    from sandbox_cli.result import Gap
    from sandbox_cli.verify import Attempt
    from sandbox_cli.verify.attempts import Verdict

_LONGEST = 60  # of what is told of an attempt that went well: a list of names may be long
_GOOD: tuple[Verdict, ...] = ("works", "held")


def verify(
    policy: Annotated[
        str | None,
        policy_option(help="The policy whose jail is attacked. Default: `command`."),
    ] = None,
    backend: Annotated[
        str | None,
        backend_option(help="The jailer. Default: the one that a job gets."),
    ] = None,
    *,
    locked: Locked = False,
    every: Annotated[bool, typer.Option("--all", help="Each jailer that can hold the policy here.")] = False,
    verbose: Annotated[
        bool,
        typer.Option("-v", "--verbose", help="List every attempt, and not only the clause of what went well."),
    ] = False,
    json: Json = False,
) -> int:
    """Attack the jail that a policy gets on this host, from inside.

    What is observed is compared with what the policy allows, in both directions: more than it allows is a failure, and
    so is a grant that does not work.

    Exits 1 where anything fails, 125 where no jail can be made.
    """
    from sandbox_cli.plan import backends
    from sandbox_cli.plan.request import FOR_COMMANDS
    from sandbox_cli.policy import config as configuration
    from sandbox_cli.verify import program

    if every and backend is not None:
        raise UsageError("--all and --backend exclude each other", hint="leave one of them out")
    config = configuration.load()
    program.path()  # without it no jailer is tried, which is none's fault
    name = policy or FOR_COMMANDS
    job: Job = {"command": ["true"], "policy": name, "locked": locked}
    with Cancellation():  # what is put on the host for the jail to miss goes again, and so does the jail
        tried = [_tried(job, each, config, among=every) for each in (backends.names() if every else [backend])]
    if not any(each["usable"] for each in tried):
        raise _nobody(name, tried)
    failures = sum(attempt["verdict"] in _failures() for each in tried for attempt in each["attempts"])
    answer: Verified = {"policy": name, "uid": os.geteuid(), "failures": failures, "backends": tried}
    if json:
        output.say(output.as_line(answer))
    else:
        _print(answer, verbose=verbose)
    return 1 if failures else 0


def _nobody(policy: str, tried: Sequence[VerifiedBackend]) -> RefusedError:
    """Why each of them makes no jail."""
    gaps: list[Gap] = [
        {"backend": each["name"], "clause": "jailer", "reason": each["problem"] or "", "fix": each["fix"]}
        for each in tried
    ]
    hint = "`sandbox doctor` says what would help"
    return RefusedError(f"no jailer can hold policy {policy} here", hint=hint, gaps=gaps)


def _failures() -> Sequence[str]:
    from sandbox_cli.verify import FAILURES

    return FAILURES


def _tried(job: Job, backend: str | None, config: Config, *, among: bool) -> VerifiedBackend:
    """One jailer attacked. `among` others, one that can't be used is told; by itself it is an error."""
    try:
        return _attacked(job, backend, config)
    except (HostError, RefusedError) as error:
        if not among or backend is None:
            raise
        fixes = dict.fromkeys(gap["fix"] for gap in error.gaps if gap["fix"])
        reasons = dict.fromkeys(gap["reason"] for gap in error.gaps)
        return {
            "name": backend, "version": None, "program": None, "usable": False,
            "problem": "; ".join(reasons) or str(error), "fix": "; ".join(fixes) or error.hint, "attempts": [],
        }  # fmt: skip


def _attacked(job: Job, backend: str | None, config: Config) -> VerifiedBackend:
    from sandbox_cli.plan import assemble, decide
    from sandbox_cli.verify import attack

    def decided(limits: Mapping[str, str], backend: str | None) -> tuple[Settled, Choice]:
        return decide({**job, "backend": backend, "limits": dict(limits)}, config=config)

    def lowered(limits: Mapping[str, str]) -> Plan:
        return assemble.plan(*decided(limits, choice.backend), config.uid_range)

    settled, choice = decided({}, backend)
    plan = assemble.plan(settled, choice, config.uid_range)
    return {
        "name": choice.backend,
        "version": choice.jailer.version,
        "program": choice.jailer.program,
        "usable": True,
        "problem": None,
        "fix": None,
        "attempts": attack(plan, settled.effective, choice.host, uid_range=config.uid_range, lowered=lowered),
    }


def _print(answer: Verified, *, verbose: bool) -> None:
    for each in answer["backends"]:
        if not each["usable"]:
            output.say(output.shown(f"{each['name']}: not verified, since {each['problem']}"))
            if each["fix"]:
                output.say(output.shown(f"  fix: {each['fix']}"))
            continue
        output.say(output.shown(f"{each['name']} {each['version']} ({each['program']})"))
        columns = ("CLAUSE", "ATTEMPT", "ALLOWED", "OBSERVED", "VERDICT")
        output.table(columns, list(_rows(each["attempts"], verbose=verbose)))
        output.say("")
    for each in answer["backends"]:
        if each["usable"]:
            output.say(f"{each['name']}: {_summary(each['attempts'])}")


def _rows(attempts: Sequence[Attempt], *, verbose: bool) -> Iterable[Sequence[str]]:
    """One a clause of what is as it should be; what isn't proved, and what is wrong, stands whole below."""
    clauses: dict[str, list[Attempt]] = {}
    for each in attempts:
        if each["verdict"] in _GOOD:
            clauses.setdefault(each["clause"], []).append(each)
    for clause, good in clauses.items():
        if verbose or len(good) == 1:
            yield from (_row(each, whole=verbose) for each in good)
        else:
            yield clause, f"{len(good)} attempts", "what the policy says", "the same", _counted(good)
    yield from map(_row, sorted((each for each in attempts if each["verdict"] not in _GOOD), key=_is_failure))


def _row(attempt: Attempt, *, whole: bool = True) -> Sequence[str]:
    allowed, observed = (text if whole else _cut(text) for text in (attempt["allowed"], attempt["observed"]))
    return attempt["clause"], attempt["name"], allowed, observed, attempt["verdict"]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _is_failure(attempt: Attempt) -> bool:
    return attempt["verdict"] in _failures()


def _counted(attempts: Iterable[Attempt]) -> str:
    counts = Counter(each["verdict"] for each in attempts)
    known = [*_GOOD, *(verdict for verdict in counts if verdict not in _GOOD)]
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in known if counts[verdict])


def _summary(attempts: Sequence[Attempt]) -> str:
    word = "FAILED" if any(map(_is_failure, attempts)) else "as the policy says"
    return f"{word}: {len(attempts)} attempts, {_counted(attempts)}"
