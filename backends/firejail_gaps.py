"""What firejail can't hold, each with its reason and what helps."""

from __future__ import annotations

from sandbox_cli.backends import firejail_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox_cli.backends.base import Shortfall
    from sandbox_cli.host.model import Host
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Level

_OTHERS = "use bwrap or nsjail"
_ACCOUNT = "set firejail_user in /etc/sandbox/config.yaml to an account with a passwd entry and a home of its own"
_SYSTEM = {"", "bin", "dev", "etc", "lib", "proc", "run", "sbin", "sys", "usr"}  # homes that can't be emptied


def gaps(policy: Policy, host: Host) -> list[Shortfall]:
    """By clause: those of the account, of limits, of mounts."""
    return [
        {"clause": clause, "level": level, "reason": reason, "fix": fix}
        for clause, level, reason, fix in (
            *_account_gaps(policy, host),
            *_limit_gaps(policy, host),
            *_mount_gaps(policy, host),
        )
    ]


def _account_gaps(policy: Policy, host: Host) -> Iterator[tuple[str, Level, str, str]]:
    if not host.root:
        return
    if host.firejail_user is None:
        yield "privileges", "none", "as root, firejail needs an account with a passwd entry for the job", _ACCOUNT
        return
    name, uid, _, home = host.firejail_user
    if policy.directory is not None and host.owner(policy.directory) != uid:
        reason = f"root's firejail jobs run as {name}, to whom {policy.directory} doesn't belong"
        yield "workspace", "none", reason, f"{_OTHERS}, or start as the account that it belongs to"
    if home.strip("/").split("/")[0] in _SYSTEM:
        yield "privileges", "none", f"firejail can't hide {home}, the home of {name}", _ACCOUNT


def _limit_gaps(policy: Policy, host: Host) -> Iterator[tuple[str, Level, str, str]]:
    if not host.root:
        for name in ("scratch_size", "scratch_files"):
            if policy.limits[name].default is not None:
                reason = "firejail gives an ordinary user's job a plain directory"
                yield f"limits.{name}", "sampled", reason, f"{_OTHERS}, or run as root"
    if policy.limits["tmp_size"].default is not None:
        yield "limits.tmp_size", "none", "firejail can't bound /tmp and /dev/shm", _OTHERS


def _mount_gaps(policy: Policy, host: Host) -> Iterator[tuple[str, Level, str, str]]:
    for path in policy.filesystem:
        reason = firejail_paths.refusal(path, policy, host)
        if reason is not None:
            of_caller = policy.directory is not None and f"{path}/".startswith(f"{policy.directory}/")
            fix = _OTHERS if of_caller else f"{_OTHERS}, or remove it from the policy"
            yield f"filesystem.{path}", "none", reason, fix
