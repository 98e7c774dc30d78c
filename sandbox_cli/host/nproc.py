"""Proves that RLIMIT_NPROC counts a user namespace's own tasks alone (kernels since 5.14 do), by trying it.

A chain of util-linux commands does: in a new namespace `prlimit` allows N tasks to `unshare --fork`, which
is one and starts another. The account has one more task outside: ourselves, or as root a first
`unshare --fork`. Were it counted too, 2 would not be enough; were nothing counted, 1 would be.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from sandbox_cli.host.access import untrusted
from sandbox_cli.host.ask import start

SINCE = (5, 14)
TOOLS_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
TIMEOUT_S = 5.0

_proved: dict[int | None, bool] = {}  # a kernel doesn't change while we run


class Proof:
    """Starts at once, so that its 10 ms pass while other things are asked; `holds` waits for it.

    `uid` is the account to try it as, None ourselves. Root is never bounded: it needs one.
    """

    def __init__(self, kernel: tuple[int, int], uid: int | None) -> None:
        self._uid = uid
        can_try = kernel >= SINCE and not (uid is None and os.geteuid() == 0)
        self._chains = (
            [start(chain, stdout=subprocess.DEVNULL) for chain in _chains(uid)]
            if can_try and uid not in _proved
            else []
        )

    def holds(self) -> bool:
        """False too where it can't be tried."""
        if self._chains:
            two, one = [_end(process) for process in self._chains]
            self._chains = []
            _proved[self._uid] = two == 0 and one not in (0, None)
        return _proved.get(self._uid, False)


def _chains(uid: int | None) -> list[list[str]]:
    """With 2 tasks allowed and with 1; none where a command is missing."""
    unshare, prlimit, setpriv, true = [_tool(name) for name in ("unshare", "prlimit", "setpriv", "true")]
    if not (unshare and prlimit and setpriv and true):
        return []
    outside: list[str] = []
    if uid is not None:
        outside = [setpriv, f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", unshare, "--fork"]
    return [
        [*outside, unshare, "--user", prlimit, f"--nproc={tasks}:{tasks}", unshare, "--fork", true] for tasks in (2, 1)
    ]


def _tool(name: str) -> str | None:
    found = shutil.which(name, path=TOOLS_PATH)
    if found is None or (os.geteuid() == 0 and untrusted(Path(found).resolve())):
        return None
    return found


def _end(process: subprocess.Popen[bytes]) -> int | None:
    """How the chain ended; None: not in time."""
    try:
        return process.wait(TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
