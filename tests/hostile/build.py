"""The attacks that are written in C: static binaries, which need nothing of the jail.

`python -m tests.hostile.build` makes them all beforehand, for guests in which the compiler takes seconds for each.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.accounts import ROOT

LIMITS = Path(__file__).with_name("limits")
BEFOREHAND = ROOT / "build" / "attacks"
FLAGS = ["-O1", "-static", "-pthread", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"]


def build(source: Path, folder: Path) -> Path:
    """Compiles one, unless what stands there is newer than all that it is made of."""
    binary = folder / source.parent.name / source.stem
    newest = max(path.stat().st_mtime_ns for path in (source, *source.parent.glob("*.h")))
    if not binary.exists() or binary.stat().st_mtime_ns < newest:
        binary.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", *FLAGS, "-o", str(binary), str(source)], check=True)
    return binary


def build_all() -> None:
    """Every one of them, where guests find them."""
    for source in LIMITS.glob("*.c"):
        build(source, BEFOREHAND)


if __name__ == "__main__":
    build_all()
