"""The seal: what the jail really is, read from outside while the program waits at the gate.

Pure but for reading /proc. What it can't read it doesn't call sealed: `inspected` lists what was seen, and
the receipt carries that list.
"""

from __future__ import annotations

import os

from sandbox_cli.run import mounts
from sandbox_cli.run.limits.groups import KINDS
from sandbox_cli.run.system import fields_of, lines_of, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox_cli.plan.model import Plan, SealFacts, Step
    from sandbox_cli.run.prepared import Prepared
    from sandbox_cli.run.scratch import Site

_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
_STATUS = ("NSpid", "PPid", "Uid", "Gid", "Groups", *_CAPABILITIES, "NoNewPrivs", "Seccomp", "Seccomp_filters")
_PLACE = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_FILTERED = "2"  # SECCOMP_MODE_FILTER
# Limits that each process of the job has from its birth: how /proc/PID/limits calls them, and what they may be above.
# Tasks of the jail itself count as the job's; RLIMIT_CPU lies beneath what is counted for the job as a whole.
_RLIMITS = {
    "file_size": ("Max file size ", 0),
    "open_files": ("Max open files ", 0),
    "processes": ("Max processes ", 2),
    "cpu_time": ("Max cpu time ", 2),
}
# Where the module of a tunnel is loaded, each new network namespace is born with its device, down and without
# an address (net.core.fb_tunnels_only_for_init_net).
_FALLBACK_TUNNELS = {"tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "sit0", "ip6tnl0", "ip6gre0"}


_TOLD = 8  # faults: one thing amiss can show in each of many mounts


def inspect(prepared: Prepared, step: Step, site: Site, init: int, child: int) -> tuple[list[str], list[str]]:
    """What was inspected, and the faults: any fault means that the program must not start."""
    plan, known = prepared.plan, prepared.known
    parent, program = (fields_of(read_text(f"/proc/{pid}/status"), _STATUS) for pid in (init, child))
    if len(parent["NSpid"].split()) < 2:  # it made no jail at all: what else is missing would only bury that
        return [], ["no process namespace of its own"]
    inspected = ["uid", "no_new_privs", "capabilities", "seccomp", "limits"]
    faults = [f"init: {fault}" for fault in _identity(parent, plan, site)]
    limits = read_text(f"/proc/{child}/limits")
    faults += [
        f"program: {fault}"
        for fault in [
            *_identity(program, plan, site),
            *_filter(parent, program),
            *known.get((step is plan, limits), lambda: _limits(limits, step)),
        ]
    ]
    if plan["seal"]["first"] and parent["NSpid"].split()[-1] != "1":
        faults.append("init: it is not the first process of the jail")
    if program["PPid"] != str(init):
        faults.append("program: it is not the launcher's own child")
    for name, check in (
        ("uid_map", _uid_map(init, site)),
        ("namespaces", _namespaces(init, plan["seal"])),
        ("interfaces", _interfaces(init, plan["seal"])),
        ("mounts", mounts.faults(prepared, site, init)),
        ("control group", _group(child, step, site)),
        ("workspace", _workspace(init, plan)),
    ):
        if check is not None:
            inspected.append(name)
            faults += check
    return inspected, faults


def broken(faults: list[str]) -> str:
    """Why the program must not start."""
    more = f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else ""
    return f"the jail is not what was planned: {'; '.join(faults[:_TOLD])}{more}"


def _identity(status: dict[str, str], plan: Plan, site: Site) -> list[str]:
    faults: list[str] = []
    if set(status["Uid"].split()) != {str(site.uid)}:
        faults.append(f"uid is {status['Uid'].split()[0]}, not {site.uid}")
    if set(status["Gid"].split()) != {str(site.gid)}:
        faults.append(f"gid is {status['Gid'].split()[0]}, not {site.gid}")
    if plan["account"]["root"] and status["Groups"].split():
        faults.append("supplementary groups are kept")
    if status["NoNewPrivs"] != "1":
        faults.append("no_new_privs is off")
    faults += [f"capabilities are kept ({name})" for name in _CAPABILITIES if int(status[name], 16)]
    return faults


def _filter(parent: dict[str, str], program: dict[str, str]) -> list[str]:
    """The policy's filter must stand on top of those that the jailer and the launcher load for themselves."""
    if program["Seccomp"] != _FILTERED:
        return ["the system call filter is not loaded"]
    if "Seccomp_filters" not in program:  # a kernel before 5.9 doesn't count them
        return []
    guard = parent["NSpid"].split()[-1] != "1"  # what stands in where init is not PID 1
    loaded = int(program["Seccomp_filters"]) - int(parent["Seccomp_filters"])
    return [] if loaded == 1 + guard else ["the system call filter is not loaded"]


def _limits(text: str, step: Step) -> list[str]:
    """What bounds each process must be no more than what was promised of the job."""
    lines = text.split("\n")
    faults: list[str] = []
    for name, (word, spare) in _RLIMITS.items():
        limit = step["limits"].get(name)
        if limit is None or (name == "processes" and limit["enforcer"] != "rlimit"):
            continue
        _soft, hard, _unit = next(line.removeprefix(word).split() for line in lines if line.startswith(word))
        if hard == "unlimited" or int(hard) > limit["value"] + spare:
            faults.append(f"{name} is bounded by {hard}, not {limit['asked']}")
    return faults


def _uid_map(init: int, site: Site) -> list[str]:
    """The job's account must be mapped to itself alone; above all, nothing may be mapped to the host's root."""
    faults: list[str] = []
    for line in lines_of(f"/proc/{init}/uid_map"):
        inside, outside, count = (int(field) for field in line.split())
        if (inside, outside, count) != (site.uid, site.uid, 1):
            faults.append(f"uid_map: {inside} is {outside} outside ({count} of them)")
    return faults


def _namespaces(init: int, facts: SealFacts) -> list[str] | None:
    """None where the kernel doesn't let us look: a set-uid jailer's namespaces belong to root."""
    if facts["hidden_namespaces"]:
        return None
    theirs, ours = _links(f"/proc/{init}/ns", facts["namespaces"]), _links("/proc/self/ns", facts["namespaces"])
    return [
        f"no {name} namespace of its own"
        for name, its, our in zip(facts["namespaces"], theirs, ours, strict=True)
        if its == our
    ]


def _links(folder: str, names: Iterable[str]) -> list[str]:
    fd = os.open(folder, _PLACE)
    try:
        return [os.readlink(name, dir_fd=fd) for name in names]
    except OSError as error:
        error.filename = f"{folder}/{error.filename}"
        raise
    finally:
        os.close(fd)


def _interfaces(init: int, facts: SealFacts) -> list[str] | None:
    if facts["interfaces"] is None:
        return None
    found = {line.split(":")[0].strip() for line in lines_of(f"/proc/{init}/net/dev")[2:]}
    planned = set(facts["interfaces"])
    if planned <= found and found - planned <= _FALLBACK_TUNNELS:
        return []
    return [f"network interfaces are {' '.join(sorted(found))}"]


def _group(child: int, step: Step, site: Site) -> list[str] | None:
    if site.group is None:
        enforcers = {limit["enforcer"] for limit in step["limits"].values()}
        return ["the job has no control group"] if enforcers & KINDS.keys() else None
    return [] if site.group.holds(child) else ["program: it is not in the job's control group"]


def _workspace(init: int, plan: Plan) -> list[str] | None:
    """The directory that was judged: its path could have come to name another one meanwhile. None: nobody may look."""
    if plan["working_in"] is None or plan["seal"]["hidden_namespaces"]:
        return None
    found = os.stat(f"/proc/{init}/root{plan['directory']}")
    is_planned = (found.st_dev, found.st_ino) == tuple(plan["working_in"])
    return [] if is_planned else [f"{plan['directory']} is not the directory that was named"]
