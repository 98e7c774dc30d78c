"""`sandbox languages`: which languages there are, and what runs them here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.cli.shapes import Languages, ListedLanguage
    from sandbox_cli.host.runtimes import Found
    from sandbox_cli.policy.model import Language, Policy

UNTOLD = "unknown"  # dash has no option that would say it


def languages(json: Json = False) -> int:
    """List the languages, and what runs them here.

    The first runtime of a language is the one that a job gets; -l NAME@VERSION takes another.
    """
    from sandbox_cli.plan.request import catalogue

    listed: dict[str, ListedLanguage] = {}
    for policy in catalogue():  # a policy that is named as its language comes before others of that language
        if policy.language is not None and policy.language.name not in listed:
            listed[policy.language.name] = _listed(policy, policy.language)
    answer: Languages = {"languages": [listed[name] for name in sorted(listed)]}
    if json:
        output.say(output.as_line(answer))
    else:
        rows = [row for each in answer["languages"] for row in _rows(each)]
        output.table(("LANGUAGE", "ALSO", "VERSION", "RUNTIME"), rows)
    return 0


def _listed(policy: Policy, language: Language) -> ListedLanguage:
    from sandbox_cli.host import runtimes

    spec = language.runtime
    found = _distinct(runtimes.find(spec.command, spec.version)) if spec else []
    usable = [each for each in found if each.problem is None]
    problems = [each.problem for each in found if each.problem is not None]
    missing = None
    if spec and not usable:
        missing = problems[0] if problems else f"there is no {spec.command} here"
    return {
        "name": language.name,
        "aliases": list(language.aliases),
        "policy": policy.name,
        "runtimes": [{"path": each.path, "version": each.version, "default": each.default} for each in usable],
        "missing": missing,
    }


def _distinct(found: Sequence[Found]) -> list[Found]:
    """Without the second name of a file, as Debian's /usr/bin/perl5.36.0 is one of /usr/bin/perl."""
    first: dict[tuple[int, int, str], Found] = {}
    for each in found:
        status = Path(each.path).stat()
        first.setdefault((status.st_dev, status.st_ino, each.prefix), each)
    return list(first.values())


def _rows(language: ListedLanguage) -> list[tuple[str, str, str, str]]:
    """One a runtime, the default one first, as `find` orders them; one that says why there is none."""
    named = (language["name"], ", ".join(language["aliases"]))
    found = [(*named, each["version"] or UNTOLD, each["path"]) for each in language["runtimes"]]
    return found or [(*named, "-", language["missing"] or "")]
