"""Which kind of group a plan asks for."""

from __future__ import annotations

from sandbox_cli.run.limits import cgroupfs
from sandbox_cli.run.limits.cgroup_v1 import GroupV1
from sandbox_cli.run.limits.cgroup_v2 import GroupV2

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.plan.model import Groups, Plan
    from sandbox_cli.run.limits.group import Group

KINDS: dict[str, type[Group]] = {"cgroup-v1": GroupV1, "cgroup-v2": GroupV2, "systemd-scope": GroupV2}


def make(plan: Plan) -> Group | None:
    """The control group of one job, made and bounded for its first program. Raises HostError where it can't be."""
    groups, first = plan["groups"], plan["compile"] or plan
    return None if groups is None else KINDS[groups["enforcer"]](groups, first["limits"])


def sweep(groups: Groups | None, patience_s: float = cgroupfs.EMPTY_S) -> list[str]:
    """Removes the groups that crashed runs left; returns their paths. What takes longer is left to the next sweep."""
    return [] if groups is None else cgroupfs.sweep(groups["parents"].values(), patience_s)
