"""Plans that are weakened on purpose: in each of them one defence is missing, so that what it holds off gets through.

They are run without the seal, which would not let them start (tests/run and tests/contract prove that).
"""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Weakening:
    backend: str
    account: str
    edit: Callable[[dict[str, Any]], None]

    def weaken(self, plan: dict[str, Any]) -> dict[str, Any]:
        """A plan of its own, which `plan` stays."""
        weak = copy.deepcopy(plan)
        self.edit(weak)
        return weak


WEAKENED: dict[str, Weakening] = {}


def weakening(backend: str = "bwrap", account: str = "user") -> Callable[[Callable[[dict[str, Any]], None]], None]:
    """Registers the function under its own name, with hyphens, for a plan of that backend and account."""

    def register(edit: Callable[[dict[str, Any]], None]) -> None:
        WEAKENED[edit.__name__.replace("_", "-")] = Weakening(backend, account, edit)

    return register


def drop(plan: dict[str, Any], *option: str) -> None:
    """Takes the option, with its values, out of the jailer's arguments."""
    argv = plan["argv"]
    [place] = [at for at in range(len(argv)) if argv[at : at + len(option)] == list(option)]
    del argv[place : place + len(option)]


def put(plan: dict[str, Any], *words: str, before: str = "--proc") -> None:
    """Adds arguments for the jailer, in front of those that begin so."""
    argv = plan["argv"]
    place = argv.index(before)
    argv[place:place] = words


@weakening()
def no_filter(plan: dict[str, Any]) -> None:
    """Every system call is allowed."""
    plan["filter"] = b""


@weakening(account="root")
def host_pid(plan: dict[str, Any]) -> None:
    """The host's processes are there. As root: the launcher ends all that its account may signal, the job alone."""
    drop(plan, "--unshare-pid")
    drop(plan, "--as-pid-1")


@weakening()
def host_net(plan: dict[str, Any]) -> None:
    """The host's network is there."""
    drop(plan, "--unshare-net")


@weakening()
def host_ipc(plan: dict[str, Any]) -> None:
    """The host's System V objects and message queues are there."""
    drop(plan, "--unshare-ipc")


@weakening()
def host_uts(plan: dict[str, Any]) -> None:
    """The host's name is there."""
    drop(plan, "--hostname", "sandbox")
    drop(plan, "--unshare-uts")


@weakening()
def host_root_visible(plan: dict[str, Any]) -> None:
    """All of the host's files are there, read-only, but for what the jailer makes itself."""
    for name in sorted(set(os.listdir("/")) - {"proc", "dev", "tmp", "sandbox"}):
        if not os.path.islink(f"/{name}") and os.path.isdir(f"/{name}"):
            put(plan, "--ro-bind", f"/{name}", f"/{name}", before="--remount-ro")


@weakening()
def host_dev_visible(plan: dict[str, Any]) -> None:
    """The host's /dev is there, its shared memory with it."""
    put(plan, "--dev-bind", "/dev", "/dev", before="--remount-ro")


@weakening()
def writable_root(plan: dict[str, Any]) -> None:
    """`/` and /dev, which are tmpfs, can be written."""
    drop(plan, "--remount-ro", "/dev")
    drop(plan, "--remount-ro", "/")


@weakening()
def keep_caps(plan: dict[str, Any]) -> None:
    """Root with all capabilities in the jail's own user namespace, and every system call that may use them."""
    drop(plan, "--cap-drop", "ALL")
    drop(plan, "--disable-userns")
    # Without these, bwrap makes a second user namespace, which has nothing to say about the first one's mounts.
    put(plan, "--cap-add", "ALL", "--uid", "0", "--gid", "0")
    plan["filter"] = b""


@weakening()
def nested_userns(plan: dict[str, Any]) -> None:
    """A user namespace can be made, with all capabilities in it."""
    drop(plan, "--disable-userns")
    plan["filter"] = b""
