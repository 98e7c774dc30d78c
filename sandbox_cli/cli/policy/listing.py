"""`sandbox policy list`: which policies there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sandbox_cli.cli import output
from sandbox_cli.cli.options import Json

if TYPE_CHECKING:
    from sandbox_cli.cli.policy.shapes import ListedPolicy, PolicyList


def list_(json: Json = False) -> int:
    """List the policies that can be had by name."""
    from sandbox_cli.policy import available

    answer: PolicyList = {"policies": [_listed(*each) for each in available()]}
    if json:
        output.say(output.as_line(answer))
        return 0
    rows = [
        (each["name"], each["where"], each["problem"] or each["description"] or "", each["path"])
        for each in answer["policies"]
    ]
    output.table(("POLICY", "WHERE", "DESCRIPTION", "FILE"), rows)
    return 0


def _listed(name: str, path: str, where: str) -> ListedPolicy:
    from sandbox_cli.errors import PolicyError
    from sandbox_cli.policy import load

    described = language = problem = None
    try:
        loaded = load(name)
    except PolicyError as error:
        problem = str(error)
    else:
        described = loaded.description
        language = loaded.language.name if loaded.language else None
    entry: dict[str, str | None] = {"name": name, "path": path, "where": where}
    return cast("ListedPolicy", {**entry, "description": described, "language": language, "problem": problem})
