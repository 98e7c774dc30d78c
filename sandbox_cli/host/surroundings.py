"""What stands around this process and decides whether it may make a jail: kernel switches, filters, a container."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_CAPABILITIES = {"CAP_SYS_PTRACE": 19, "CAP_SYS_ADMIN": 21}  # what root needs beside those that every container has
_CONTAINERS = ("kubepods", "docker", "libpod", "containerd", "lxc", "garden")  # names in a cgroup path
# The kernel keeps these directories empty for ever: a mount on one hides nothing of /proc.
_ALWAYS_EMPTY = ("/proc/sys/fs/binfmt_misc", "/proc/fs/nfsd")


@dataclass(frozen=True)
class Surroundings:
    """Kernel switches (None: this kernel has no such switch) and the state of this process."""

    root: bool
    max_user_namespaces: int | None  # user.max_user_namespaces
    userns_clone: int | None  # kernel.unprivileged_userns_clone, of Debian's kernels
    apparmor_userns: int | None  # kernel.apparmor_restrict_unprivileged_userns, of Ubuntu's
    no_new_privs: bool
    seccomp: bool  # a filter is loaded
    lacks: tuple[str, ...]  # capabilities that root needs for a jail, and that aren't effective
    nested: bool  # in a user namespace that doesn't map every uid to itself
    chrooted: bool
    container: str | None
    proc_covered: tuple[str, ...]  # mounts that hide a part of /proc


def look_around() -> Surroundings:
    """Reads it all: under a millisecond, and it starts nothing."""
    status = _status()
    mounts = _mount_points()
    return Surroundings(
        root=os.geteuid() == 0,
        max_user_namespaces=_switch("user/max_user_namespaces"),
        userns_clone=_switch("kernel/unprivileged_userns_clone"),
        apparmor_userns=_switch("kernel/apparmor_restrict_unprivileged_userns"),
        no_new_privs=status.get("NoNewPrivs") == "1",
        seccomp=status.get("Seccomp", "0") != "0",
        lacks=tuple(name for name, bit in _CAPABILITIES.items() if not int(status.get("CapEff", "0"), 16) >> bit & 1),
        nested=_text("/proc/self/uid_map").split() not in ([], ["0", "0", "4294967295"]),
        chrooted=bool(mounts) and "/" not in mounts,
        container=container(),
        proc_covered=tuple(
            point for point in mounts if point.startswith("/proc/") and not point.startswith(_ALWAYS_EMPTY)
        ),
    )


def no_new_privs() -> bool:
    return _status().get("NoNewPrivs") == "1"


def container() -> str | None:
    """The kind of container that this process seems to be in; None: nothing speaks for one."""
    if Path("/run/.containerenv").exists():
        return "podman"
    if Path("/.dockerenv").exists():
        return "docker"
    if told := _text("/run/systemd/container").strip():
        return told
    groups = _text("/proc/self/cgroup")
    return next((name for name in _CONTAINERS if name in groups), None)


def _status() -> dict[str, str]:
    return dict(line.split(":\t", 1) for line in _text("/proc/self/status").splitlines() if ":\t" in line)


def _mount_points() -> list[str]:
    return [line.split(" ")[4] for line in _text("/proc/self/mountinfo").splitlines()]


def _switch(name: str) -> int | None:
    text = _text(f"/proc/sys/{name}").strip()
    return int(text) if text.isdecimal() else None


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
