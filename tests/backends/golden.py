"""Golden files: what a backend renders, reviewed as a diff. `SANDBOX_GOLDEN=write` writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox_cli.backends.base import Invocation

FOLDER = Path(__file__).resolve().parent.parent / "golden"


def check(name: str, invocation: Invocation) -> None:
    """Compares with tests/golden/NAME.txt."""
    path = FOLDER / f"{name}.txt"
    text = as_text(invocation)
    if os.environ.get("SANDBOX_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "SANDBOX_GOLDEN=write accepts what is new"


def as_text(invocation: Invocation) -> str:
    """Everything that is rendered, a word or a fact a line; a slot as <name>."""
    lines = ["# argv", *invocation["argv"]]
    for index, content in enumerate(invocation["data"]):
        lines += [f"# data {index}", content.decode()]
    for key in ("environ", "spare_tasks"):
        lines.append(f"# {key}: {invocation[key]}")
    lines += [f"# scratch.{key}: {value}" for key, value in invocation["scratch"].items()]
    seal = invocation["seal"]
    lines += [f"# seal.{key}: {value}" for key, value in seal.items() if key != "mounts"]
    for mount in seal["mounts"]:
        more = [f"{key}={value}" for key, value in mount.items() if key not in {"path", "flags"}]
        lines.append(f"# seal.mounts: {' '.join([*mount['flags'], mount['path'], *more])}")
    return re.sub("\0([^\0]*)\0", r"<\1>", "\n".join(lines) + "\n")
