"""`sandbox languages`: which languages there are, and what runs them here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox_cli.cli.shapes import Languages, ListedLanguage
    from sandbox_cli.host.runtimes import Found
    from sandbox_cli.policy.model import Policy, RuntimeSpec

AT_ONCE = 8  # languages; most of the time a runtime that is asked for its version waits for its own start
UNTOLD = "unknown"  # dash has no option that would say it


def languages(json: Json = False) -> int:
    """List the languages, and what runs them here.

    The first runtime of a language is the one that a job gets; -l NAME@VERSION takes another.
    """
    from sandbox_cli.plan.request import catalogue

    found = answer(catalogue())
    if json:
        output.say(output.as_line(found))
    else:
        rows = [row for each in found["languages"] for row in _rows(each)]
        output.table(("LANGUAGE", "ALSO", "VERSION", "RUNTIME"), rows)
    return 0


def answer(policies: Iterable[Policy]) -> Languages:
    """All that it prints, of the languages of `policies`."""
    from concurrent.futures import ThreadPoolExecutor

    first: dict[str, Policy] = {}
    for policy in policies:  # a policy that is named as its language comes before others of that language
        if policy.language is not None:
            first.setdefault(policy.language.name, policy)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {"languages": list(pool.map(listed, (first[name] for name in sorted(first))))}


def listed(policy: Policy) -> ListedLanguage:
    from sandbox_cli.host import runtimes

    language = policy.language
    assert language is not None
    spec = language.runtime
    found = _distinct(runtimes.find(spec.command, spec.version, paths=spec.paths)) if spec else []
    usable = [each for each in found if each.problem is None]
    return {
        "name": language.name,
        "aliases": list(language.aliases),
        "policy": policy.name,
        "runtimes": [{"path": each.path, "version": each.version, "default": each.default} for each in usable],
        "missing": _missing(spec, found) if spec and not usable else None,
    }


def _missing(spec: RuntimeSpec, found: Sequence[Found]) -> str:
    """What is wrong with the one that is there, else that there is none; and what brings one."""
    problem = next((each.problem for each in found if each.problem is not None), None)
    brings = f": apt-get install {spec.package}" if spec.package is not None else ""
    return (problem or f"there is no {spec.command} here") + brings


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
