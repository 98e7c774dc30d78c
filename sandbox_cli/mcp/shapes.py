"""What the server's own tools answer."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12


class OfferedLimit(TypedDict):
    """As a policy writes it; null where it is not bounded."""

    default: str | None
    max: str | None


class OfferedPolicy(TypedDict):
    """A policy that a job may name. `network` tells of an allow-list as `allow-list`."""

    name: str
    description: str
    language: str | None
    digest: str
    network: Literal["none", "host", "allow-list"]
    limits: dict[str, OfferedLimit]


class OfferedPolicies(TypedDict):
    """`list_policies`: `workspace` is the directory that every job works in, `backend` the jailer where it is fixed."""

    policies: list[OfferedPolicy]
    workspace: str | None
    backend: str | None
