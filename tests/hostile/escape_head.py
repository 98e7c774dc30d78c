"""The head of a program that tries to get out: what it attempts, who keeps it in, and what lets it through.

The first lines of the file, as comments.py has them; `must` once for each choice of words after it:

    attempt: a sentence
    known-from: the CVE, the incident or the technique
    held-by: KEEPER[, KEEPER]...
    must: OUTCOME
    must WORD...: OUTCOME -- why it is another one here
    control: CONTROL
    needs: TARGET...        optional: what the harness puts on the host for it (targets.py)
    policy: NAME            optional: another one than the language's (python, sh; command for C)
    grant: YAML             optional: one more line of that policy, in which $ESCAPE_... stands for a target's value

OUTCOME is `held`, the status that the job ends with, or, as an exception, `escaped`: a difference that docs/backends.md
lists. WORDs are backends and accounts.

CONTROL says where the same program gets out, so that one that does nothing proves nothing:

    bare                    outside any jail, as the ordinary account; `bare root`: as root
    policy YAML             in a jail whose policy has one more line
    weak NAME               in a jail that weakened.py has made so

A program ends with 0, and its last line is `held: REASON` or `escaped: EVIDENCE`; where a target has a token the
evidence holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from sandbox_cli.backends import BACKENDS
from sandbox_cli.result import Status
from tests.hostile.comments import HeadError, best, entries, reasoned, words
from tests.hostile.weakened import WEAKENED

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

REQUIRED = ("attempt", "known-from", "held-by", "control")
OPTIONAL = ("needs", "policy", "grant")
POLICIES = {".py": "python", ".sh": "sh", ".c": "command"}
WORDS = {*BACKENDS, "root", "user"}
OUTCOMES = {"held", *get_args(Status)}
KEEPERS = (
    "mounts", "user namespace", "pid namespace", "network namespace", "ipc namespace", "uts namespace",
    "cgroup namespace", "capabilities", "no_new_privs", "filter", "account", "session", "limits", "launcher", "seal",
    "supervisor", "artifacts", "jailer", "kernel",
)  # fmt: skip
TARGETS = {
    "secret", "strays", "drop", "tcp", "abstract", "path", "sysv", "shm", "queue", "victim", "workspace", "leak",
    "environ",
}  # fmt: skip


@dataclass(frozen=True)
class Control:
    """Where the program gets out."""

    kind: str  # bare | policy | weak
    value: str  # the account; the line of YAML; the name of the weakening


@dataclass(frozen=True)
class EscapeHead:
    name: str
    attempt: str
    known_from: str
    held_by: tuple[str, ...]
    expected: dict[frozenset[str], str]
    reasons: dict[frozenset[str], str]  # of the exceptions
    control: Control
    needs: frozenset[str]
    policy: str
    grant: str

    def must(self, facts: Collection[str]) -> str:
        """What must come of it where these words are true."""
        return best(self.expected, facts)


def read(path: Path) -> EscapeHead:
    """Raises HeadError where anything in it is not as the form says."""
    try:
        return _head(path, entries(path))
    except HeadError as error:
        raise HeadError(f"{path.name}: {error}") from None


def _head(path: Path, said: dict[str, str]) -> EscapeHead:
    expectations = {key: value for key, value in said.items() if key.split()[0] == "must"}
    unknown = said.keys() - expectations.keys() - {*REQUIRED, *OPTIONAL}
    missing = set(REQUIRED) - said.keys()
    if unknown or missing or "must" not in expectations:
        raise HeadError(f"unknown: {sorted(unknown)}; missing: {sorted(missing)}; {len(expectations)} expectations")
    expected: dict[frozenset[str], str] = {}
    reasons: dict[frozenset[str], str] = {}
    for key, value in expectations.items():
        where = words(key, WORDS)
        if where in expected:
            raise HeadError(f"{key} stands twice, in another order")
        expected[where] = _outcome(value, exception=bool(where))
        reasons[where] = value.partition(" -- ")[2]
    return EscapeHead(
        name=path.name, attempt=said["attempt"], known_from=said["known-from"], expected=expected, reasons=reasons,
        held_by=_among(said["held-by"].split(", "), KEEPERS),
        control=_control(said["control"]),
        needs=frozenset(_among(said.get("needs", "").split(), TARGETS)),
        policy=said.get("policy", POLICIES[path.suffix]),
        grant=said.get("grant", ""),
    )  # fmt: skip


def _outcome(text: str, *, exception: bool) -> str:
    outcome = reasoned(text, exception)
    if outcome not in OUTCOMES and not (exception and outcome == "escaped"):
        raise HeadError(f"no outcome: {text}")
    return outcome


def _among(found: list[str], known: Collection[str]) -> tuple[str, ...]:
    if not set(known).issuperset(found) or len(set(found)) != len(found):
        raise HeadError(f"not of {sorted(known)}, or twice: {found}")
    return tuple(found)


def _control(text: str) -> Control:
    kind, _, value = text.partition(" ")
    if kind == "bare" and value in {"", "root"}:
        return Control(kind, value or "user")
    if (kind == "policy" and value) or (kind == "weak" and value in WEAKENED):
        return Control(kind, value)
    raise HeadError(f"no control: {text}")
