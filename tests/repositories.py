"""Repositories of git for the tests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WHO = ("-c", "user.name=Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false")


class Repository:
    """A new one in `folder`: `commit({"policies/a.yaml": "..."})`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self("init", "--quiet", "--initial-branch=main")

    def __call__(self, *words: str, stdin: str = "") -> str:
        argv = ["git", *WHO, *words]
        done = subprocess.run(argv, cwd=self.folder, input=stdin, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, files: Mapping[str, str | None]) -> None:
        """None removes a file."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text)

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Its hash."""
        self.write(files)
        self("add", "--all")
        self("commit", "--quiet", "--no-verify", "--message=change")
        return self("rev-parse", "HEAD")
