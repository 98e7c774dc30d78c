"""What a policy says of a clause, in one line: as receipts and comparisons tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.policy import units
from sandbox_cli.policy.bounds import limit
from sandbox_cli.policy.requirements import OF_COMPILE
from sandbox_cli.policy.syscall_rules import LOW_HALF

if TYPE_CHECKING:
    from sandbox_cli.policy.model import Mount, Policy, SyscallRule

UNBOUNDED = "not bounded"
NOTHING = "nothing"


def words(clause: str, policy: Policy) -> str:
    """What `policy` says of a clause, in one line."""
    if clause.startswith(("limits.", OF_COMPILE)):
        bounds = limit(policy, clause)
        if bounds is None or bounds.default is None:
            return UNBOUNDED
        return units.format_limit(clause.rpartition(".")[2], bounds.default)
    if clause.startswith("filesystem./"):
        path = clause.removeprefix("filesystem.")
        mount = policy.filesystem.get(path)
        return NOTHING if mount is None else of_mount(path, mount)
    return _WORDS[clause](policy)


def _filesystem(policy: Policy) -> str:
    return ", ".join(f"{path} {of_mount(path, mount)}" for path, mount in policy.filesystem.items()) or NOTHING


def of_mount(path: str, mount: Mount) -> str:
    if mount.mode == "symlink":
        return f"-> {mount.source}"
    mode = f"{mount.mode} noexec" if mount.noexec else mount.mode
    return mode if mount.source in {None, path} else f"{mode} from {mount.source}"


def _network(policy: Policy) -> str:
    if isinstance(policy.network, str):
        return policy.network
    return ", ".join(f"{verb} {' '.join(hosts) or NOTHING}" for verb, hosts in policy.network.items())


def _syscalls(policy: Policy) -> str:
    said = policy.syscalls
    verb, names = ("deny", said.deny) if said.allow is None else ("allow", said.allow)
    rules = [f"{of_rule(each)} ({each.action})" for each in said.rules]
    return ", ".join([*rules, f"{verb} {' '.join(names or ()) or NOTHING} ({said.action})"])


def of_rule(rule: SyscallRule) -> str:
    if rule.arg is None:
        return rule.syscall
    mask = "" if rule.mask == LOW_HALF else f" & {rule.mask:#x}"
    return f"{rule.syscall} arg {rule.arg}{mask} = {rule.value:#x}"


def _privileges(_policy: Policy) -> str:
    return "none"  # no policy can grant any


def _workspace(policy: Policy) -> str:
    return policy.workspace if policy.directory is None else f"{policy.directory} {policy.workspace}"


_WORDS = {
    "workspace": _workspace,
    "filesystem": _filesystem,
    "network": _network,
    "syscalls": _syscalls,
    "privileges": _privileges,
}
