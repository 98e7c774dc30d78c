"""The limits of a policy, by clause: those of the job, and those of its compile step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy.requirements import OF_COMPILE

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Limit, Policy


def of_compile(policy: Policy) -> dict[str, Limit]:
    """What bounds the compile step: its own limits over those of the job."""
    step = policy.language.compile if policy.language else None
    return policy.limits | (step.limits if step else {})


def limit(policy: Policy, clause: str) -> Limit | None:
    """The limit of a clause, `limits.NAME` or `language.compile.limits.NAME`."""
    own = clause.startswith(OF_COMPILE)
    return (of_compile(policy) if own else policy.limits).get(clause.rpartition(".")[2])
