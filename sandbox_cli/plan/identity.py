"""Who the job is, and the bounds that the kernel keeps for each of its processes."""

from __future__ import annotations

import math
import resource
from typing import TYPE_CHECKING

from sandbox_cli.backends import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.levels import Held
    from sandbox_cli.plan.model import Account
    from sandbox_cli.policy.model import Policy

NOWHERE = "/"
# A core's size in bytes. Where kernel.core_pattern is a pipe, as systemd's, 0 keeps nothing from it: the host's root
# would read the memory of every job that crashes. At exactly 1 the kernel gives up (core(5) of the handler itself), and
# no file is written either, since less than a page is none.
NO_CORE = 1


def account(host: Host, backend: str, uid_range: tuple[int, int], owner: tuple[int, int] | None = None) -> Account:
    """Ourselves; as root one of `uid_range`, or for a set-uid jailer the account that the configuration names.

    `owner` is whom the caller's directory makes root's job.
    """
    if not host.root:
        return _account(host.uid, host.gid, uid_range, home=host.home, root=False)
    if BACKENDS[backend].SET_UID and host.firejail_user is not None:
        _, uid, gid, home = host.firejail_user
        return _account(uid, gid, uid_range, home=home, root=True)
    if owner is not None:
        return _account(*owner, uid_range, home=NOWHERE, root=True)
    return _account(None, None, uid_range, home=NOWHERE, root=True)


def rlimits(policy: Policy, held: Iterable[Held], spare_tasks: int) -> list[tuple[int, int]]:
    """(RLIMIT_*, value), soft and hard alike. No RLIMIT_AS: it breaks numpy, the JVM and Node, and bounds no job.

    `spare_tasks` are the jail's own: RLIMIT_NPROC counts them too.
    """
    values = {name: limit.default for name, limit in policy.limits.items() if limit.default is not None}
    counted = any(each.clause == "limits.processes" and each.enforcer == "rlimit" for each in held)
    bounds = [(resource.RLIMIT_CORE, NO_CORE)]
    if "file_size" in values:
        bounds.append((resource.RLIMIT_FSIZE, int(values["file_size"])))
    if "open_files" in values:
        bounds.append((resource.RLIMIT_NOFILE, int(values["open_files"])))
    if "processes" in values and counted:
        bounds.append((resource.RLIMIT_NPROC, int(values["processes"]) + spare_tasks))
    if "cpu_time" in values:  # beneath the sampler, which sees the whole job: one second later
        bounds.append((resource.RLIMIT_CPU, math.ceil(values["cpu_time"]) + 1))
    return bounds


def _account(uid: int | None, gid: int | None, uid_range: tuple[int, int], *, home: str, root: bool) -> Account:
    return {"root": root, "uid": uid, "gid": gid, "uid_range": uid_range, "home": home}
