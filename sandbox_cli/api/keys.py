"""Messages that speak of options, for callers who have none: a job's keys bear other names.

What plan and run say of a job is the same for all, and said once, in the words of the command line. Text in quotes is
somebody's own, and in backticks it is for a shell: both stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox_cli.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from sandbox_cli.errors import SandboxError
    from sandbox_cli.result import Gap

_PHRASES = {
    "-c CODE runs a snippet, and `-` takes code from standard input": "`code` takes a snippet",
    "-f copies files and folders": "only files and folders are copied",
    "-f copies files, folders and links": "only files, folders and links are copied",
    "it was there before: -f copies files that stay": "it was there before: only files that stay are copied",
    "name it with a -f of its own": "name it in files by itself",
    "give data with -f or --stdin": "give data in files, or as stdin",
    "name another: -f SRC:DEST": "give it another name",
    "name it behind the options: -- COMMAND [ARGS]...": 'write it first: ["ls", "-l"]',
}
_LONG = {
    "--audit": "audit", "--backend": "backend", "--best-effort": "best_effort", "--collect": "collect",
    "--limit": "limits", "--network": "network", "--stdin": "stdin", "--value": "value", "--venv": "venv",
}  # fmt: skip
_SHORT = {"-C": "workspace", "-e": "env", "-f": "files", "-l": "language", "-p": "policy"}
# A quote that nothing closes goes on to the end: to look for its end from each one after it would take for ever.
_QUOTED = re.compile(
    r"""(`[^`]*(?:`|\Z)|(?<!\w)'(?:[^'\\]|\\.)*+(?:'|\\?\Z)|"(?:[^"\\]|\\.)*+(?:"|\\?\Z))""", re.DOTALL
)


def in_keys(error: SandboxError) -> None:
    """Has the error say `limits` in place of `--limit`, and so on. Short options are a shell's, too, where the host
    is to be mended: there they stay."""
    options = {**_LONG, **_SHORT} if isinstance(error, (UsageError, RefusedError)) else _LONG
    error.message = _told(error.message, options)
    if error.blame is not None:  # whose clause is told before the message
        error.message = error.message.removeprefix(f"{error.blame['clause']} ")
    error.hint = _told(error.hint, options) if error.hint is not None else None
    error.gaps = [_gap(gap) for gap in error.gaps]


def _gap(gap: Gap) -> Gap:
    fix = gap["fix"]
    return {
        "backend": gap["backend"],
        "clause": gap["clause"],
        "reason": _told(gap["reason"], _LONG),
        "fix": _told(fix, _LONG) if fix is not None else None,
    }


def _told(text: str, options: dict[str, str]) -> str:
    for phrase, other in _PHRASES.items():
        text = text.replace(phrase, other)
    pattern = rf"(?<![\w-])(?:{'|'.join(options)})(?![\w-])"
    parts = _QUOTED.split(text)
    return "".join(
        part if number % 2 else re.sub(pattern, lambda found: options[found[0]], part)
        for number, part in enumerate(parts)
    )
