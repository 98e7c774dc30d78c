"""The shipped languages, which of them can run here, and a job's work in one of them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import policy
from sandbox_cli.policy import places
from tests.accounts import PATH, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox_cli.policy.model import Language

CI = os.environ.get("CI") == "true"
MAKEFILE = (ROOT / "Makefile").read_text()
HEAVY = next(line for line in MAKEFILE.splitlines() if line.startswith("HEAVY :=")).split()[2:]
LANGUAGES: Mapping[str, Language] = {
    language.name: language for file in places.built_in() if (language := policy.load(str(file)).language) is not None
}


def is_here(name: str) -> bool:
    runtime = LANGUAGES[name].runtime
    return runtime is None or shutil.which(runtime.command, path=PATH) is not None


def need(name: str) -> None:
    """Skip where the runtime is missing; in CI fail, but for those that `make test` doesn't install."""
    if not is_here(name):
        runtime = LANGUAGES[name].runtime
        command = runtime.command if runtime else name
        missing = CI and name not in HEAVY
        reason = f"{command} is not installed; `make test-languages` as root installs it"
        (pytest.fail if missing else pytest.skip)(reason)


def work(
    file: str, source: str, *, args: Sequence[str] = (), stdin: str = "", files: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What a run is given beside its plan."""
    sources = {file: source, **(files or {})}
    return {
        "file": file.encode(),
        "arguments": [word.encode() for word in args],
        "stdin": stdin.encode(),
        "inputs": [(name.encode(), text.encode(), 0o644) for name, text in sources.items()],
    }
