"""Writes docs/weakening.md anew: `python -m tests.weakening`, as root, which also runs as the ordinary account."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sandbox_cli.backends import BACKENDS
from tests.accounts import root_account, user_account
from tests.weakening import explained, matrix, report


def main() -> int:
    found: dict[tuple[str, str], matrix.Caught] = {}
    unexplained: list[str] = []
    with tempfile.TemporaryDirectory(dir="/var/lib") as name:
        directory = Path(name)
        directory.chmod(0o755)
        for backend in BACKENDS:
            for account in (root_account(directory), user_account(directory)):
                caught = matrix.run(backend, account, directory, whole=True)
                found[backend, account.name] = caught
                unexplained += [
                    f"{report.title(backend, account.name)}: {each}"
                    for each in report.survivors(caught)
                    if explained.of(each, backend, account.name) is None
                ]
    report.PAGE.write_text(report.page(found), encoding="utf-8")
    print("\n".join(unexplained) or f"{sum(map(len, found.values()))} weakenings, each caught or explained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
