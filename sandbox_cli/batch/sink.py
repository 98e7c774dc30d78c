"""Where results go: standard output, or a file that a later start goes on with (results.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sandbox_cli.batch.seen import Seen


class Results(Protocol):
    """`finished` are the ids that have a result already. Each `append` is one whole line, its end included."""

    @property
    def finished(self) -> Seen | None: ...

    def append(self, line: bytes) -> None:
        """Raises OSError where not all of it could be written."""

    def close(self) -> None: ...
