"""A clause as it is written, with dots, and as the path of what a file says of it."""

from __future__ import annotations

TABLES = ("filesystem", "environment", "require")  # what follows one of these is one name, whatever dots it holds


def path_of(clause: str) -> tuple[str, ...]:
    head, _, rest = clause.partition(".")
    return (head, rest) if head in TABLES and rest else tuple(clause.split("."))
