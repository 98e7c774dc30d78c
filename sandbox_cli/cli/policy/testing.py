"""`sandbox policy test`: whether policies allow and deny what their tests say."""

from __future__ import annotations

import os
from collections import Counter
from fnmatch import fnmatchcase
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from sandbox_cli.cli import complete, output
from sandbox_cli.cli.cancel import Cancellation
from sandbox_cli.cli.deliver import problem_with, write
from sandbox_cli.cli.options import Json, backend_option
from sandbox_cli.cli.policy.names import WHICH
from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sandbox_cli.cli.policy.shapes import PolicyTests
    from sandbox_cli.testing.outcomes import Tested, Verdict
    from sandbox_cli.testing.suites import Suite

_VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "skipped")
_WHICH = f"{WHICH} Or a folder: every policy in it that has tests. Default: every policy by name that has."


def test(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME|PATH|FOLDER", help=_WHICH, autocompletion=complete.policies)
    ] = [],  # noqa: B006 (the parser copies it)
    *,
    backend: Annotated[
        str | None,
        backend_option(help="The jailer. Default: each that can hold the policy here."),
    ] = None,
    chosen: Annotated[
        str | None,
        typer.Option("-k", metavar="PATTERN", help="Only tests whose name holds this; * and ? may be in it."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("-j", "--jobs", metavar="N", min=1, help="At the same time. Default: a job a core.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 also where a test was skipped: its runtime or backend is not here.")
    ] = False,
    junit: Annotated[
        str | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML.")
    ] = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="List every test, and not only what failed.")
    ] = False,
    json: Json = False,
) -> int:
    """Run the tests that stand beside policies, in real jails.

    They are those of NAME.test.yaml, and the self-tests of the policies' languages.

    Exits 1 where one failed, 125 where none could be run.
    """
    from sandbox_cli import testing
    from sandbox_cli.plan import backends
    from sandbox_cli.policy import config as configuration
    from sandbox_cli.policy.spelling import hint as spelling_hint

    if junit is not None and (problem := problem_with(junit, "--junit")) is not None:
        raise UsageError(problem, hint="name a file in a directory of yours")
    names_of = backends.names()
    if backend is not None and backend not in names_of:
        raise UsageError(f"--backend: there is no backend {quoted(backend)}", hint=spelling_hint(backend, names_of))
    config = configuration.load()
    found = _chosen(testing.suites(names), chosen)
    with Cancellation():
        tests: list[Tested] = []
        told = testing.run(found, [backend] if backend else names_of, config, at_once=jobs or _cores())
        for _, some in groupby(told, key=lambda each: each["policy"]):
            tests += (own := list(some))
            if not json:
                _print(own, verbose=verbose)
    _finish(tests, json=json, junit=junit)
    return _exit_code(tests, strict=strict)


def _chosen(found: Sequence[Suite], pattern: str | None) -> list[Suite]:
    if pattern is None:
        return list(found)
    held = f"*{pattern.lower()}*"
    some = [
        each._replace(tests=[test for test in each.tests if fnmatchcase(test.name.lower(), held)]) for each in found
    ]
    if not any(each.tests for each in some):
        raise UsageError(f"-k {pattern!r} chooses none of the tests", hint="it is a part of a test's name")
    return [each for each in some if each.tests]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _finish(tests: Sequence[Tested], *, json: bool, junit: str | None) -> None:
    if json:
        counts = Counter(each["verdict"] for each in tests)
        answer: PolicyTests = {
            "passed": counts["passed"], "failed": counts["failed"], "skipped": counts["skipped"], "tests": list(tests),
        }  # fmt: skip
        output.say(output.as_line(answer))
    else:
        output.say(_counted(tests))
    if junit is not None:
        from sandbox_cli.cli.policy.from_here import shown_path
        from sandbox_cli.testing.junit import junit as as_xml

        problem = write(junit, [as_xml(tests, shown_path)])
        if problem is not None:
            raise HostError(problem, hint="make room there, or name another file")


def _exit_code(tests: Sequence[Tested], *, strict: bool) -> int:
    verdicts = {each["verdict"] for each in tests}
    if "failed" in verdicts or (strict and "skipped" in verdicts):
        return 1
    return 0 if "passed" in verdicts else HostError.exit_code


def _print(tests: Sequence[Tested], *, verbose: bool) -> None:
    """One policy: how many of its tests passed, where; then what didn't, with what came instead."""
    names = dict.fromkeys(each["name"] for each in tests)
    backends = dict.fromkeys(each["backend"] for each in tests if each["verdict"] != "skipped")
    where = f" on {', '.join(backends)}" if backends else ""
    many = f"{len(names)} test{'s' if len(names) > 1 else ''}{where}"
    output.say(output.shown(f"{tests[0]['policy']}: {many}: {_counted(tests)}"))
    for line in [*(_listed(tests) if verbose else ()), *_failures(tests), *_skips(tests)]:
        output.say(output.shown(line))


def _listed(tests: Iterable[Tested]) -> Iterator[str]:
    alike: dict[tuple[str, str], list[str]] = {}
    for each in tests:
        took = f" {each['time_s']:.2f} s" if each["verdict"] != "skipped" else ""
        alike.setdefault((each["verdict"], each["name"]), []).append(each["backend"] + took)
    for (verdict, name), where in alike.items():
        yield f"  {verdict}: {name} ({', '.join(where)})"


def _failures(tests: Iterable[Tested]) -> Iterator[str]:
    """What came the same on several backends is told once."""
    from sandbox_cli.testing.junit import complaint, in_words

    alike: dict[tuple[str, ...], list[Tested]] = {}
    for each in tests:
        if each["verdict"] == "failed":
            alike.setdefault((each["name"], *in_words(each)), []).append(each)
    for (name, *lines), some in alike.items():
        place = some[0]["file"] + (f":{some[0]['line']}" if some[0]["line"] is not None else "")
        yield f"{place}: {name}: failed on {', '.join(each['backend'] for each in some)}"
        yield from (f"  {line}" for line in [*lines, *complaint(some[0])])


def _skips(tests: Iterable[Tested]) -> Iterator[str]:
    alike: dict[tuple[str | None, str | None], list[Tested]] = {}
    for each in tests:
        if each["verdict"] == "skipped":
            alike.setdefault((each["reason"], each["fix"]), []).append(each)
    for (reason, fix), some in alike.items():
        yield f"  skipped on {', '.join(dict.fromkeys(each['backend'] for each in some))}: {reason}"
        if fix:
            yield f"    fix: {fix}"


def _counted(tests: Iterable[Tested]) -> str:
    counts = Counter(each["verdict"] for each in tests)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in _VERDICTS if counts[verdict])
