"""`sandbox policy diff`: which clauses got looser, and which tighter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sandbox_cli.cli import complete, output
from sandbox_cli.cli.options import Json
from sandbox_cli.cli.policy.diff_words import at, counts, grouped, named, verdict
from sandbox_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.cli.policy.shapes import DiffedPolicy, DiffPlace, DiffSide, PolicyDiff
    from sandbox_cli.policy.diff import At, Change, Comparison
    from sandbox_cli.policy.loading import Traced

Format = Literal["text", "json", "markdown"]
LOOSENED = {"looser", "incomparable"}
WIDE = 80  # letters of before and after that share a line

Compared = Annotated[
    list[str],
    typer.Argument(
        metavar="POLICY",
        help="Two policies, each by name, by path, or as git:REV:PATH. With --since: policies, and folders of them.",
        autocompletion=complete.policies,
    ),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="REV", help="Compare each policy with what it was in that revision of git."),
]
As = Annotated[
    Format | None, typer.Option("--format", help="text (the default), json, or markdown for a review comment.")
]


def diff(
    policies: Compared = [],  # noqa: B006 (the parser copies it)
    since: Since = None,
    format: As = None,  # noqa: A002 (the option's name)
    json: Json = False,
) -> int:
    """Say which clauses of a policy got looser, and which tighter.

    Both are compared with all that they extend. Exits 1 where anything got looser; what is neither looser nor
    tighter lets something through that nothing did, and counts as looser.
    """
    from sandbox_cli.cli.policy.diff_markdown import code, page

    if json and format not in {None, "json"}:
        raise UsageError(f"--json and --format {format} say different things", hint="give one of them")
    found = _compared(policies, since)
    quoted = code if format == "markdown" else output.shown
    than = quoted(policies[0]) if since is None else f"in {quoted(since)}"
    if json or format == "json":
        output.say(output.as_line(_answer(found)))
    elif format == "markdown":
        output.say(page(found, than))
    else:
        for line in _lines(found, than):
            output.say(line)
    return 1 if any(each.relation in LOOSENED for each in found) else 0


def _compared(policies: list[str], since: str | None) -> list[Comparison]:
    from sandbox_cli.policy import diff

    if since is not None and policies:
        return diff.since(since, policies)
    if since is not None:
        raise UsageError("no policy is named", hint=f"name policies, or a folder of them: --since {since} policies/")
    if len(policies) != 2:
        hint = "name two, or say --since REV to compare each with what it was: --since main policies/"
        named = "1 is" if len(policies) == 1 else f"{len(policies)} are"
        raise UsageError(f"a policy is compared with another, and {named} named", hint=hint)
    return [diff.between(*policies)]


def _lines(found: Sequence[Comparison], than: str) -> Iterator[str]:
    for group in grouped(found):
        yield f"{named(group)}: {verdict(group[0], than)}"
        heading = None
        for change in group[0].changes:
            if change.relation != heading:
                heading = change.relation
                yield f"  {'no permission' if heading == 'equal' else heading}"
            yield from (f"    {output.shown(line)}" for line in _told(change))
    yield counts(found)


def _told(change: Change) -> Iterator[str]:
    places = f"  {at(change.before_at)} -> {at(change.after_at)}"
    if len(change.before) + len(change.after) > WIDE:
        yield f"{change.clause}:"
        yield f"  before: {change.before}"
        yield f"  after:  {change.after}"
    else:
        yield f"{change.clause}: {change.before} -> {change.after}"
    yield places


def _answer(found: Sequence[Comparison]) -> PolicyDiff:
    from sandbox_cli.policy.order.relations import together

    return {"relation": together(each.relation for each in found), "policies": [_policy(each) for each in found]}


def _policy(each: Comparison) -> DiffedPolicy:
    return {
        "policy": each.name,
        "relation": each.relation,
        "before": _side(each.before),
        "after": _side(each.after),
        "problem": each.problem,
        "changes": [
            {
                "clause": change.clause,
                "relation": change.relation,
                "before": change.before,
                "after": change.after,
                "before_at": _place(change.before_at),
                "after_at": _place(change.after_at),
            }
            for change in each.changes
        ],
    }


def _side(traced: Traced | None) -> DiffSide | None:
    return None if traced is None else {"file": traced.policy.files[0], "digest": traced.policy.digest}


def _place(place: At | None) -> DiffPlace | None:
    return None if place is None else {"file": place.file, "line": place.line}
