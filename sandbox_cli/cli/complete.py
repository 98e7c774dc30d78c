"""What a shell offers for the values of options. Every start imports this, so it imports nothing before it is asked."""

from __future__ import annotations


def policies() -> list[str]:
    from sandbox_cli.policy import available

    return [each.name for each in available() if not each.name.startswith("_")]


def clauses() -> list[str]:
    from sandbox_cli.policy.explain.names import known

    return known()


def languages() -> list[str]:
    from sandbox_cli.policy import language_index

    return [word for word in language_index() if not word.startswith(".")]


def backends() -> list[str]:
    from sandbox_cli.plan.backends import names

    return names()


def limits() -> list[str]:
    from sandbox_cli.policy.units import LIMITS

    return [f"{name}=" for name in LIMITS]


def venvs(incomplete: str) -> list[str]:
    """Directories below what is typed that are one: `.venv` at the top of a project, mostly."""
    from pathlib import Path

    folder = incomplete.rpartition("/")[0]
    try:
        found = [file.parent.name for file in Path(folder or ".").glob("*/pyvenv.cfg")]
    except OSError:
        found = []
    return [f"{folder}/{name}" if "/" in incomplete else name for name in sorted(found)]


def grammars() -> list[str]:
    from sandbox_cli.policy.schema import KINDS

    return list(KINDS)


def networks() -> list[str]:
    return ["none", "host"]
