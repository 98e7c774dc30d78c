"""What a jail of firejail shows beyond a policy, or can't keep as the others do: an explicit list, which is asserted.

docs/backends.md tells the same to users.
"""

from __future__ import annotations

import grp
import os
import pwd
import re
from typing import TYPE_CHECKING

from tests.contract.mountinfo import below, covering

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.contract.case import Case

SCRATCH = r"^/tmp/sandbox-\d+-\d+-\d+-[0-9a-f]{12}$"
TASKS = 2  # its own PID 1, and the launcher's init
SHARED = ("cgroup",)  # the namespace that stays the host's
WRITABLE = {"/tmp"}  # a private one, which is there whatever the policy says
OWN = "/run/firejail"  # its own files: readable, and the job can write none
IN_HOME = "/.inputrc"  # its own, too, in a home of which something is shown
CLOSED = ("/tmp/.X11-unix",)  # visible where the host has it, and can't be opened
SYSTEM_IDS = (*range(1000), 65534)
UNWRITABLE = re.compile(r'[!"#%&*,;<>?\[\\^{}]|\.\.|  | $')  # in a path: its profile can't hold it as it is
KEPT = ("dev", "etc", "proc", "run", "tmp")


def in_etc(path: str) -> bool:
    """What lies there can't be executed, whatever the policy says."""
    return below(path, "/etc") and not os.path.islink(path)


def refused(case: Case) -> set[str]:
    """The clauses that it can't hold: what doesn't stand where it does on the host, and what its profile can't name."""
    return {
        f"filesystem.{path}"
        for path, mount in case.mounts.items()
        if (mount.mode == "tmpfs" and path != "/tmp")
        or mount.mode == "symlink"
        or (mount.noexec and path == "/tmp")
        or (not mount.noexec and any(below(path, each) for each, outer in case.mounts.items() if outer.noexec))
        or (mount.mode in {"ro", "rw"} and (mount.source != path or UNWRITABLE.search(path)))
    }


def mounts_found(modes: dict[str, str], paths: Iterable[str]) -> dict[str, str]:
    """The mode that holds at each path: of the innermost mount that it lies in. All else is the host's tree, hidden."""
    return {path: modes[max((each for each in modes if below(path, each)), key=len)] for path in paths}


def mounts(case: Case, scratch: str) -> dict[str, str]:
    modes = {"/proc": "rw", "/tmp": "rw", scratch: "rw"}
    return modes | {path: mount.mode for path, mount in case.binds.items()}


def visible_found(visible: dict[str, str]) -> dict[str, str]:
    own = (path for path in visible if path.startswith(OWN + "/") or path.endswith(IN_HOME))
    return {path: visible[path] for path in visible.keys() - own}


def visible(case: Case, scratch: str) -> dict[str, str]:
    """The names in the host's root stay listed, and are closed. Below one that the policy shows a part of, the rest
    is gone."""
    from tests.contract import picture

    paths = {f"/{name}": "closed" for name in os.listdir("/")}
    paths |= dict.fromkeys(CLOSED, "closed") if all(map(os.path.exists, CLOSED)) else {}
    paths |= dict.fromkeys(("/", *(f"/{name}" for name in KEPT), scratch, OWN), "folder")
    paths |= picture.DEV | {"/dev/ptmx": "link /dev/pts/ptmx"} | dict.fromkeys(picture.MADE, "file")
    paths |= {f"/{name}": f"link {target}" for name, target in picture.host_links().items()}
    for path, mount in case.mounts.items():
        paths |= picture.folders_above(path) | {path: picture.kind_of(mount)}
    return {path: kind for path, kind in paths.items() if covering(path, case.binds) in {None, path}}


def names(uid: int, gid: int) -> dict[str, dict[str, str]]:
    """The host's own accounts, of which it leaves those of the system and the job's."""
    users = {each.pw_name: each.pw_uid for each in pwd.getpwall()}
    groups = {each.gr_name: each.gr_gid for each in grp.getgrall()}
    return {
        "/etc/passwd": {name: str(number) for name, number in users.items() if number in {uid, *SYSTEM_IDS}},
        "/etc/group": {name: str(number) for name, number in groups.items() if number in {gid, *SYSTEM_IDS}},
    }
