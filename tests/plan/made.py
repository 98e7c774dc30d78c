"""Policies and hosts made by hand, each test changing what it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox_cli.host.model import Groups, Host, Jailer
from sandbox_cli.policy.model import Limit, Mount, Policy, Syscalls

if TYPE_CHECKING:
    from sandbox_cli.result import Blame

FILE = "/policies/made.yaml"
LINES = {"limits.memory": 9, "network": 14, "filesystem./usr": 17, "syscalls": 21}
LIMITS: dict[str, tuple[float | None, float | None]] = {
    "wall_time": (10.0, 600.0),
    "cpu_time": (10.0, 600.0),
    "memory": (512 << 20, 8 << 30),
    "processes": (64, 1024),
    "open_files": (256, 4096),
    "file_size": (64 << 20, 4 << 30),
    "scratch_size": (256 << 20, 8 << 30),
    "scratch_files": (10000, 1000000),
    "tmp_size": (64 << 20, 1 << 30),
    "output": (1 << 20, 4 << 30),
    "cpus": (None, None),
}


GROUPS = Groups(
    "cgroup-v2",
    dict.fromkeys(["cpu", "memory", "pids"], "/sys/fs/cgroup"),
    ("cpu_time", "cpus", "memory", "processes"),
)


def policy(**changes: Any) -> Policy:
    """`limits` changes single ones: {"memory": (default, max)}."""
    limits = LIMITS | changes.pop("limits", {})
    sources: dict[str, Blame] = {
        clause: {"clause": clause, "source": "file", "file": FILE, "line": line} for clause, line in LINES.items()
    }
    values: dict[str, Any] = {
        "name": "made",
        "limits": {name: Limit(default=default, max=most) for name, (default, most) in limits.items()},
        "filesystem": {"/usr": Mount(mode="ro", source="/usr"), "/tmp": Mount(mode="tmpfs")},
        "syscalls": Syscalls(deny=("@default-deny",)),
        "digest": "sha256:0",
        "files": (FILE,),
        "sources": sources,
    }
    return Policy(**{**values, **changes})


def jailer(name: str, **changes: Any) -> Jailer:
    return Jailer(**{"name": name, "program": f"/usr/bin/{name}", "version": "9.9", "source": "PATH", **changes})


def host(*jailers: Jailer, **changes: Any) -> Host:
    values: dict[str, Any] = {
        "uid": 1000,
        "gid": 1000,
        "kernel": (6, 1),
        "machine": "x86_64",
        "jailers": {each.name: each for each in jailers},
        "root_entries": ("bin", "etc", "home", "lib", "tmp", "usr"),
        "root_links": {"bin": "usr/bin", "lib": "usr/lib"},
        "nproc_in_namespace": True,
    }
    return Host(**{**values, **changes})
