"""`sandbox languages`: which languages there are, and what runs them here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from sandbox_cli.cli.shapes import Languages, ListedLanguage
    from sandbox_cli.policy.model import Language, Policy


def languages(json: Json = False) -> int:
    """List the languages, and what runs them here."""
    from sandbox_cli.plan.request import catalogue

    listed: dict[str, ListedLanguage] = {}
    for policy in catalogue():  # a policy that is named as its language comes before others of that language
        if policy.language is not None and policy.language.name not in listed:
            listed[policy.language.name] = _listed(policy, policy.language)
    answer: Languages = {"languages": [listed[name] for name in sorted(listed)]}
    if json:
        output.say(output.as_line(answer))
    else:
        output.table(("LANGUAGE", "ALSO", "VERSIONS", "RUNTIME"), [_row(each) for each in answer["languages"]])
    return 0


def _listed(policy: Policy, language: Language) -> ListedLanguage:
    from sandbox_cli.host import runtimes

    spec = language.runtime
    found = runtimes.find(spec.command, spec.version) if spec else []
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


def _row(language: ListedLanguage) -> tuple[str, str, str, str]:
    """The default runtime first, as `find` orders them."""
    versions = ", ".join(each["version"] or "?" for each in language["runtimes"])
    default = next((each["path"] for each in language["runtimes"] if each["default"]), "")
    return language["name"], ", ".join(language["aliases"]), versions or "-", default or language["missing"] or ""
