"""What the operator decides when the server starts, and what the command line lends to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox_cli.api.perform import CAPTURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sandbox_cli.policy.model import Policy


@dataclass(frozen=True)
class Terms:
    """`policies` are names and absolute paths, none for the shipped ones of languages; `at_once`: jobs side by side."""

    policies: tuple[str, ...] = ()
    workspace: str | None = None  # DIR or DIR:ro
    backend: str | None = None
    locked: bool = False
    audit: str | None = None
    capture: int = CAPTURE_BYTES
    at_once: int = 1


class Commands(NamedTuple):
    """What other commands would answer with --json, and the schema of each: the command line's, which lends it."""

    languages: Callable[[Iterable[Policy]], Mapping[str, object]]
    explain: Callable[[str, str | None], Mapping[str, object]]
    show: Callable[[str], str]  # a policy with all that it extends, as YAML
    schemas: Mapping[str, dict[str, Any]]
    version: str
