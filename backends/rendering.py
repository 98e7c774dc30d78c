"""Our templates, filled. Imported by `render` alone, since Jinja is heavy."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from sandbox_cli.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox_cli.policy.model import Policy

_TEMPLATES = Path(__file__).with_name("templates")
_SEPARATORS = {"\x85", "\u2028", "\u2029"}  # they end a line for many readers


def fill(template: str, quote: Callable[[object], str], values: dict[str, object]) -> str:
    """The text of a template. Every value passes `quote`, which writes it in the jailer's own language."""
    return _environment(quote).get_template(template).render(values)


@cache  # with its templates, which take longer to compile than a plan to make: there are as many as backends
def _environment(quote: Callable[[object], str]) -> SandboxedEnvironment:
    return SandboxedEnvironment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        finalize=quote,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def check_paths(policy: Policy) -> None:
    """Raises PolicyError for a path that could end a line of a config: no quoting makes up for that everywhere."""
    for path, mount in policy.filesystem.items():
        for text in (path, mount.source or ""):
            if any(character < " " or character == "\x7f" or character in _SEPARATORS for character in text):
                raise PolicyError(
                    f"the path {text!r} holds a control character or a line separator",
                    clause=f"filesystem.{path}",
                    hint="rename it, or mount the directory above it",
                )
