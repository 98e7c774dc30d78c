"""Which ids there were: on disk, so that a million of them take no more memory than ten."""

from __future__ import annotations

import sqlite3
from typing import Self

from sandbox_cli.errors import HostError

_CACHE_KIB = 2048  # what is kept in memory; the rest is in a temporary file that no name leads to


class Seen:
    """A set of texts, gone when it is closed. For one thread at a time, whichever that is.

    Raises HostError where the disk has no room for it.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.executescript(
            f"PRAGMA cache_size = -{_CACHE_KIB}; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID;"
            "BEGIN"  # one transaction that is never committed: each of its own would take ten times as long
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, id: str) -> bool:  # noqa: A002 (the word of a job)
        return self._ask("SELECT 1 FROM seen WHERE id = ?", id).fetchone() is not None

    def add(self, id: str) -> bool:  # noqa: A002
        """Whether it is new. `id` holds no lone surrogate: it is text that UTF-8 can hold."""
        return self._ask("INSERT OR IGNORE INTO seen VALUES (?)", id).rowcount == 1

    def _ask(self, statement: str, id: str) -> sqlite3.Cursor:  # noqa: A002
        try:
            return self._database.execute(statement, (id,))
        except sqlite3.OperationalError as error:  # of the temporary file
            hint = "make room in /var/tmp, or name a directory that has some in SQLITE_TMPDIR"
            raise HostError(f"the ids of the jobs can't be kept: {error}", hint=hint) from None

    def close(self) -> None:
        self._database.close()
