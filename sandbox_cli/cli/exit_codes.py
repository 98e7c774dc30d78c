"""The exit code that `sandbox run` and `sandbox exec` end with: it says the same as the status."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.result import Outcome

EXIT_CODES: Mapping[str, int] = {
    "ok": 0,
    "wall-time-limit": 124, "cpu-time-limit": 124,
    "refused": 125, "sandbox-error": 125,
    "memory-limit": 137,
    "output-limit": 153, "scratch-limit": 153, "file-size-limit": 153,
    "syscall-denied": 159,
}  # fmt: skip


def exit_status(outcome: Outcome) -> int:
    """What `sandbox run` exits with: the status's own code, else 128+N for signal N, else the program's code."""
    if (fixed := EXIT_CODES.get(outcome["status"])) is not None:
        return fixed
    if outcome["signal"] is not None:
        return 128 + _signal_number(outcome["signal"])
    if outcome["exit_code"] is None:
        raise AssertionError(f"status {outcome['status']} says neither a signal nor an exit code")
    return outcome["exit_code"]


def _signal_number(name: str) -> int:
    """The run writes a signal without a name of its own as SIGRTMIN+3, or as SIG33."""
    if name in signal.Signals.__members__:
        return signal.Signals[name].value
    _, plus, above = name.partition("+")
    return signal.SIGRTMIN + int(above) if plus else int(name.removeprefix("SIG"))
