"""What `sandbox doctor` tells of this machine, as plain data: its schema is that of `doctor --json`."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Literal

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli.host.groups import GroupFacts, look_at_groups
from sandbox_cli.host.known import how_to_get
from sandbox_cli.host.model import Host, Problem
from sandbox_cli.host.surroundings import Surroundings, look_around


class JailerFacts(TypedDict):
    """A jailer, found or missing. `problem` is why it can't be used; `trial` whether it was tried."""

    name: str
    program: str | None
    version: str | None
    source: str | None
    trial: Literal["works", "failed", "not tried"]
    problem: str | None
    fix: str | None


class HostFacts(TypedDict):
    """This machine. `switches` are the kernel's that bear on jails; one that this kernel lacks is null."""

    kernel: str
    machine: str
    uid: int
    switches: dict[str, int | None]
    process_limit_in_namespace: bool  # RLIMIT_NPROC counts a jail's own tasks alone
    no_new_privs: bool
    seccomp: bool
    user_namespace: bool  # in one that is not the first
    chroot: bool
    container: str | None
    proc_covered: list[str]
    cgroups: GroupFacts
    firejail_user: str | None
    jailers: list[JailerFacts]


def describe(
    host: Host,
    wanted: Mapping[str, tuple[Sequence[str], tuple[int, ...]]],
    trials: Mapping[str, Problem | None],
) -> HostFacts:
    """`wanted` as for `look`; `trials` what each jailer that was tried had: a problem, or None."""
    around = look_around()
    return {
        "kernel": platform.release(),
        "machine": host.machine,
        "uid": host.uid,
        "switches": _switches(around),
        "process_limit_in_namespace": host.nproc_in_namespace,
        "no_new_privs": around.no_new_privs,
        "seccomp": around.seccomp,
        "user_namespace": around.nested,
        "chroot": around.chrooted,
        "container": around.container,
        "proc_covered": list(around.proc_covered),
        "cgroups": look_at_groups(),
        "firejail_user": host.firejail_user[0] if host.firejail_user else None,
        "jailers": [_jailer(host, name, minimum, trials) for name, (_, minimum) in wanted.items()],
    }


def _switches(around: Surroundings) -> dict[str, int | None]:
    return {
        "user.max_user_namespaces": around.max_user_namespaces,
        "kernel.unprivileged_userns_clone": around.userns_clone,
        "kernel.apparmor_restrict_unprivileged_userns": around.apparmor_userns,
    }


def _jailer(host: Host, name: str, minimum: tuple[int, ...], trials: Mapping[str, Problem | None]) -> JailerFacts:
    found = host.jailers.get(name)
    if found is None:
        problem: Problem | None = Problem(f"{name} isn't installed", how_to_get(name, minimum))
    elif found.problem:
        problem = Problem(found.problem, found.fix)
    else:
        problem = trials.get(name)
    return {
        "name": name,
        "program": found.program if found else None,
        "version": found.version if found else None,
        "source": found.source if found else None,
        "trial": ("failed" if trials[name] else "works") if name in trials else "not tried",
        "problem": problem.reason if problem else None,
        "fix": problem.fix if problem else None,
    }
