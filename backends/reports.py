"""What a jailer's log says of its end, by plain substrings. Light: `run` imports it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.backends.base import JailerReport

    Hints = Sequence[tuple[str, str]]

LAUNCHER = "launcher: "  # `launcher enter`, which starts the jailer, failed before it

# Hints that more than one jailer needs.
UNREACHED = "the job's account must reach every path of `filesystem`: mark it optional, or remove it"
NO_MOUNT_POINT = "a mount point must exist in a directory that is mounted from the host: make it there, or mount less"
USER_NAMESPACES = (
    "let ordinary users make user namespaces: sysctl kernel.unprivileged_userns_clone=1 or user.max_user_namespaces; "
    "on Ubuntu an AppArmor profile for the jailer, or sysctl kernel.apparmor_restrict_unprivileged_userns=0"
)
MORE_NAMESPACES = "raise user.max_user_namespaces and its like, or nest fewer sandboxes"
PROC_IS_COVERED = "a container that covers parts of /proc forbids it: run it with systempaths=unconfined"
NO_MOUNTS = "a container forbids mounts: run it with seccomp=unconfined and apparmor=unconfined"
OPEN_FILES = "raise the limit on open files (ulimit -n)"


def lines(report: bytes) -> list[str]:
    """The log as lines without blank ones, the numbers of the launcher's errors in words."""
    return [_in_words(line) for line in report.decode("utf-8", "replace").split("\n") if line.strip()]


def _in_words(line: str) -> str:
    before, mark, number = line.rpartition(": errno ")
    return f"{before}: {os.strerror(int(number))}" if mark and line.startswith(LAUNCHER) and number.isdigit() else line


def made() -> JailerReport:
    """A jail was made: whatever happened then, others know better."""
    return {"failed": None, "hint": None}


def failed(words: str, hints: Hints) -> JailerReport:
    """No jail was made, in the jailer's own words, with the hint of the first row whose words are among them."""
    return {"failed": words, "hint": next((hint for part, hint in hints if part in words), None)}


def silent(name: str, exit_status: int | None, failure: int) -> JailerReport:
    """The log says nothing: `failure` is the exit status that this jailer gives its own failures."""
    if exit_status == failure:
        return {"failed": f"{name} ended with status {failure} and didn't say why", "hint": None}
    if exit_status is not None and exit_status < 0:
        return {
            "failed": f"{name} was killed by signal {-exit_status}",
            "hint": "something outside of the jail killed it: an out-of-memory kill, or an administrator",
        }
    return made()
