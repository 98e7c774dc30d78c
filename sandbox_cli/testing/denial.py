"""Whether a job was denied something - and didn't just fail.

A typing error, a program that isn't installed and a file that isn't anywhere fail, too, under every policy: a test
that takes them for a denial would go on passing when nothing is denied any more. So there has to be evidence: the
sandbox itself stopped or refused the job and says so, or the job failed and wrote the error of a denial.
"""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING

from sandbox_cli.policy.grammar_of_tests import ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox_cli.result import Outcome

    Hidden = Callable[[str], bool]  # says of a path whether this host has it, and the jail doesn't show it

STOPPED = frozenset({"memory-limit", "output-limit", "scratch-limit", "file-size-limit", "syscall-denied"})
TIMED = frozenset({"wall-time-limit", "cpu-time-limit"})
TELLING = ("EPERM", "EACCES", "EROFS", "ENETUNREACH")  # of a denial by themselves; ENOENT only of what is hidden
_FAILED = frozenset({"nonzero-exit", "signalled", "compile-error"})
_PATH = re.compile(r"/[^\s'\"`‘’“”:;,()<>\[\]]*")  # noqa: RUF001 (quotes that programs put around names)
_MOST_LINES = 50  # that are looked at for paths
_LONGEST_LINE = 4096


def missing(wanted: str, outcome: Outcome, hidden: Hidden, code: bytes = b"") -> str | None:
    """None: there is evidence of a denial, of the errno `wanted` or of any. Else, in words, what there is instead.

    `code` is the program's text: what a traceback quotes of it is no error of the system's.
    """
    status = outcome["status"]
    if status == "ok":
        return "it was let through, and ended well"
    if status in TIMED:
        return f"{status}, which a program that only waits reaches, too: `status: {status}`, where that is meant"
    if wanted == ANY and _stopped(outcome):
        return None
    if status not in _FAILED:
        return f"{status}, which is no denial: {outcome['cause'] or 'no cause is known'}"
    return _untold(wanted, outcome, hidden, code)


def _stopped(outcome: Outcome) -> bool:
    """Whether the sandbox says itself that a clause of the policy was in the way."""
    error = outcome["error"]
    if outcome["status"] == "refused":
        return outcome["blame"] is not None and error is not None and not error["gaps"]
    return outcome["status"] in STOPPED or (outcome["status"] in _FAILED and bool(outcome["limit_hits"]))


def _untold(wanted: str, outcome: Outcome, hidden: Hidden, code: bytes) -> str | None:
    names = [*TELLING, "ENOENT"] if wanted == ANY else [wanted]
    spelled = {name: _spellings(name) for name in names}
    own = {line for line in _lines(code) if any(pattern.search(line) for pattern in spelled.values())}
    absent = 0
    for line in _written(outcome):
        for name, pattern in spelled.items():
            if not pattern.search(line) or any(quoted in line for quoted in own):
                continue
            if name != "ENOENT":
                return None
            absent += 1
            if absent <= _MOST_LINES and any(hidden(path) for path in _PATH.findall(line[:_LONGEST_LINE])):
                return None
    how = f"exit code {outcome['exit_code']}" if outcome["exit_code"] is not None else outcome["signal"]
    if absent:
        return f"{how}, and what is said to be missing isn't on this host, either, or the policy shows it"
    what = "a denial" if wanted == ANY else f"{wanted} ({os.strerror(getattr(errno, wanted))})"
    return f"{how}, and nothing that was written tells of {what}"


def _spellings(name: str) -> re.Pattern[str]:
    """As the C library says it, whatever its letters, or by its name."""
    return re.compile(rf"{re.escape(os.strerror(getattr(errno, name)))}|\b{name}\b", re.IGNORECASE)


def _written(outcome: Outcome) -> Iterator[str]:
    """Line by line, of whoever failed: the compiler or the program."""
    step = outcome["compile"] if outcome["status"] == "compile-error" else outcome
    for stream in (step["stderr"], step["stdout"]) if step is not None else ():
        yield from _lines(stream)


def _lines(text: bytes) -> list[str]:
    return [line.strip() for line in text.decode(errors="replace").splitlines()]
