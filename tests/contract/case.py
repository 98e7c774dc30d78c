"""One jail to look at: a policy on a backend as an account, and the question that the probe is asked in it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.contract.conftest import PYTHON
from tests.contract.mountinfo import below, lie_in_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_cli.policy.model import Mount, Policy
    from tests.accounts import Account

PROBE = Path(__file__).with_name("probe.py").read_text()
OURS = {"dev", "proc", "sandbox", "sys"}  # of a whole root: every jail has its own, or none


@dataclass
class Case:
    """One jail: a policy on a backend as an account, and what the test put on the host for the job to miss."""

    policy: Policy
    backend: str
    account: Account
    secrets: tuple[str, ...] = ()
    sockets: tuple[tuple[str, Any], ...] = ()
    environment: Mapping[bytes, bytes] = field(default_factory=dict)  # what the job itself brings
    arguments: tuple[bytes, ...] = ()

    @property
    def firejail(self) -> bool:
        return self.backend == "firejail"

    @cached_property
    def mounts(self) -> dict[str, Mount]:
        """The policy's own, each with its source; `/` as what lies in it; without what is optional and missing, and
        without what the mount around it shows already."""
        mounts = {path: each for path, each in self._named() if not each.optional or os.path.exists(each.source or "")}
        return {path: mount for path, mount in mounts.items() if not _is_shown(path, mounts)}

    @property
    def binds(self) -> dict[str, Mount]:
        return {path: mount for path, mount in self.mounts.items() if mount.mode in {"ro", "rw"}}

    @property
    def room(self) -> list[str]:
        """Where the job may put files of its own."""
        return [".", "/dev/shm", *(path for path, mount in self.mounts.items() if mount.mode == "tmpfs")]

    @property
    def command(self) -> list[str]:
        question = {
            "stops": ["/proc", *self.binds],
            "room": self.room,
            "reads": [path for path in self.secrets if not any(lie_in_one(path, each) for each in self.mounts)],
            "reaches": self.sockets,
        }
        return [*PYTHON, PROBE, json.dumps(question)]

    @property
    def work(self) -> dict[str, Any]:
        """What `run` is given besides the plan."""
        return {
            "environment": [b"=".join(pair) for pair in self.environment.items()],
            "arguments": list(self.arguments),
        }

    def bound(self, name: str) -> int | None:
        value = self.policy.limits[name].default
        return None if value is None else math.ceil(value)

    def _named(self) -> Iterator[tuple[str, Mount]]:
        for path, mount in self.policy.filesystem.items():
            if path != "/":
                yield path, mount.model_copy(update={"source": mount.source or path})
                continue
            for entry in Path(mount.source or "").iterdir():
                mode, source = ("symlink", os.readlink(entry)) if entry.is_symlink() else (mount.mode, str(entry))
                if entry.name not in OURS and f"/{entry.name}" not in self.policy.filesystem:
                    yield f"/{entry.name}", mount.model_copy(update={"mode": mode, "source": source})


def _is_shown(path: str, mounts: dict[str, Mount]) -> bool:
    """Whether the mount around `path` has the same file there, with the same options."""
    above = max((each for each in mounts if each != path and below(path, each)), key=len, default=None)
    if above is None or mounts[above].mode not in {"ro", "rw"}:
        return False
    if (mounts[above].mode, mounts[above].noexec) != (mounts[path].mode, mounts[path].noexec):
        return False
    there = f"{mounts[above].source}{path.removeprefix(above)}"
    return os.path.exists(there) and os.path.samefile(there, mounts[path].source or "")
