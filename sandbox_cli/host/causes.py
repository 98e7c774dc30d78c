"""Why a jailer can't make a jail here, and the command that helps: a table of what is seen around us and its words.

What only one jailer says is explained by the hints of its backend.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sandbox_cli.host.model import Problem
from sandbox_cli.host.surroundings import Surroundings

_KEEP = "; to keep it, write the same into /etc/sysctl.d/90-sandbox.conf"
_REFUSED = r"operation not permitted|permission denied|no permissions to creat"
_PROFILE = (
    "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or for this program alone: "
    "printf 'abi <abi/4.0>,\\nprofile sandbox-{name} {program} flags=(unconfined) {{ userns, }}\\n' | "
    "sudo tee /etc/apparmor.d/sandbox-{name} && sudo apparmor_parser -r /etc/apparmor.d/sandbox-{name}"
)


class Trial(NamedTuple):
    """A jailer that failed: `words` are its own, or the supervisor's about it."""

    name: str
    program: str
    set_uid: bool
    words: str


@dataclass(frozen=True)
class _Cause:
    """Applies where `words` are found in what was said and `state` holds of where we are."""

    words: str
    state: Callable[[Surroundings, Trial], bool]
    reason: str
    fix: str


def _always(_around: Surroundings, _trial: Trial) -> bool:
    return True


# The first that applies is told: switches that forbid everything, then what the words say by themselves,
# then what only explains a refusal.
_CAUSES: tuple[_Cause, ...] = (
    _Cause(
        "",
        lambda around, trial: around.max_user_namespaces == 0 and not trial.set_uid,
        "user namespaces are switched off here (user.max_user_namespaces is 0)",
        f"sudo sysctl -w user.max_user_namespaces=15000{_KEEP}",
    ),
    _Cause(
        "",
        lambda around, trial: around.userns_clone == 0 and not trial.set_uid,
        "user namespaces are for root alone here (kernel.unprivileged_userns_clone is 0)",
        f"sudo sysctl -w kernel.unprivileged_userns_clone=1{_KEEP}",
    ),
    _Cause(
        "",
        lambda around, trial: around.no_new_privs and trial.set_uid,
        "no_new_privs is set on this process, so the set-uid {name} gains nothing",
        "start without it (systemd: NoNewPrivileges=no; docker: no --security-opt no-new-privileges),"
        " or take another jailer",
    ),
    _Cause(
        r"no space left on device|_namespaces exceeded",
        _always,
        "no further namespace may be made: the limit of user.max_*_namespaces, or 32 nested ones, is reached",
        f"sudo sysctl -w user.max_user_namespaces=15000{_KEEP}",
    ),
    _Cause(
        r"resource temporarily unavailable",
        _always,
        "the account may not start another process",
        "raise what bounds it: ulimit -u, LimitNPROC= and TasksMax= of the systemd unit, --pids-limit of the container",
    ),
    _Cause(
        r"error while loading shared libraries|cannot open shared object|not found \(required by",
        _always,
        "{program} doesn't find a library that it needs",
        "reinstall it, or take the one of the distribution",
    ),
    _Cause(
        r"mount proc|fsmount\('proc'\)|'/proc'",
        lambda around, _trial: bool(around.proc_covered),
        "a part of /proc is covered here ({covered}), and the kernel then mounts no new one",
        "docker run --security-opt systempaths=unconfined; podman run --security-opt unmask=ALL;"
        " Kubernetes: procMount: Unmasked",
    ),
    _Cause(
        _REFUSED,
        lambda around, _trial: around.chrooted,
        "this process is in a chroot, where the kernel makes no user namespaces",
        "start outside of it, or enter it as a container (systemd-nspawn, bwrap) instead",
    ),
    _Cause(
        rf"{_REFUSED}|rtm_newaddr",
        lambda around, trial: around.apparmor_userns == 1 and not trial.set_uid,
        "AppArmor gives user namespaces no rights here (kernel.apparmor_restrict_unprivileged_userns is 1)",
        _PROFILE,
    ),
    _Cause(
        _REFUSED,
        lambda around, _trial: around.root and bool(around.lacks),
        "root has no {lacks} here, and mounts a job's scratch and inspects its jail with them",
        "docker or podman run --privileged (or no more than --cap-add SYS_ADMIN --cap-add SYS_PTRACE"
        " --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined);"
        " or start as an ordinary user",
    ),
    _Cause(
        _REFUSED,
        lambda around, _trial: around.container is not None,
        "the container ({container}) refuses namespaces or mounts",
        "docker or podman run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"
        " --security-opt systempaths=unconfined; Kubernetes: seccompProfile: Unconfined",
    ),
    _Cause(
        _REFUSED,
        lambda around, _trial: around.seccomp,
        "a system call filter on this process refuses namespaces or mounts",
        "start outside of that sandbox; a systemd unit: RestrictNamespaces=no, and @mount in its SystemCallFilter=",
    ),
    _Cause(
        _REFUSED,
        lambda around, _trial: around.nested,
        "this process is in a user namespace (a rootless container or another sandbox) that refuses a further one",
        "start outside of it",
    ),
)


def explain(trial: Trial, around: Surroundings, hint: str | None = None) -> Problem:
    """The reason and the fix; where nothing is known, the jailer's own words and `hint`."""
    values = {
        "name": trial.name,
        "program": trial.program,
        "container": around.container,
        "lacks": " and no ".join(around.lacks),
        "covered": ", ".join(around.proc_covered[:3]),
    }
    for cause in _CAUSES:
        if re.search(cause.words, trial.words, re.IGNORECASE) and cause.state(around, trial):
            said = f": {trial.words}" if trial.words else ""
            fix = cause.fix.format(**values)
            if around.container and fix.startswith("sudo "):  # a switch of the kernel's, which a container can't set
                fix = f"outside of the container: {fix}"
            return Problem(cause.reason.format(**values) + said, fix)
    return Problem(trial.words or f"{trial.name} made no jail", hint)
