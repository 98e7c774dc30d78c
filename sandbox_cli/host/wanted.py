"""Which versions of a runtime are asked for: `3.12` takes 3.12.4, `>=3.11,<3.13` is read as pip reads it."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import UsageError
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_PLAIN = re.compile(r"v?(\d+(?:\.\d+)*)(?:\.\*)?")
LONGEST = 100  # a number of thousands of digits is an error of its own to Python
FORMS = "write it as in 3.12 (which takes 3.12.4), '>=3.11' or '>=3.11,<3.13'"


class Wanted(NamedTuple):
    text: str  # as it was asked for
    versions: SpecifierSet

    def takes(self, version: str | None) -> bool:
        """Whether `version` will do; what tells none never does."""
        return version is not None and self.versions.contains(version, prereleases=True)


def wanted(text: str, *, of: str) -> Wanted:
    """What `text` asks for, of a language. UsageError where it asks for no version."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # most jobs ask for no version

    versions = SpecifierSet()
    if len(text) <= LONGEST:
        plain = _PLAIN.fullmatch(text)
        with suppress(InvalidSpecifier):
            versions = SpecifierSet(f"=={plain[1]}.*" if plain else text)
    if not versions:
        raise UsageError(f"{quoted(text)} is no version of {of}", hint=FORMS)
    return Wanted(text, versions)
