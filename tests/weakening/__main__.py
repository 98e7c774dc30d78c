"""Writes docs/weakening.md anew: `python -m tests.weakening`, as root, which also runs as the ordinary account.

With `--whole` verify tries everything in every jail.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox_cli.backends import BACKENDS
from tests.accounts import root_account, user_account
from tests.weakening import explained, matrix, report


def main() -> int:
    whole = "--whole" in sys.argv[1:]
    with tempfile.TemporaryDirectory(dir="/var/lib") as name, ThreadPoolExecutor(2) as workers:
        directory = Path(name)
        directory.chmod(0o755)
        accounts = root_account(directory), user_account(directory)
        running = {
            (backend, account.name): workers.submit(matrix.run, backend, account, directory, whole=whole)
            for backend in BACKENDS
            for account in accounts
        }
        found = {key: each.result() for key, each in running.items()}
    unexplained = [
        f"{report.title(*key)}: {name}"
        for key, caught in found.items()
        for name in report.survivors(caught)
        if explained.of(name, *key) is None
    ]
    report.PAGE.write_text(report.page(found), encoding="utf-8")
    print("\n".join(unexplained) or f"{sum(map(len, found.values()))} weakenings, each caught or explained")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
