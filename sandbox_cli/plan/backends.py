"""What `cli` asks of the backends: which there are, and how one of them is started without us."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.backends import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.plan.model import Plan


def names() -> list[str]:
    """In the default order."""
    return list(BACKENDS)


def by_hand(plan: Plan, folder: str, variables: Sequence[str]) -> list[str]:
    """The options that the jailer of `plan` needs beside its own, where `folder` is scratch and nothing is ours."""
    scratch = folder if plan["scratch"]["made_by"] == "jailer" else None
    return BACKENDS[plan["backend"]].by_hand(scratch, variables)
