"""All that is decided before a backend is: what the job gets to see, what it runs, and its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import UsageError
from sandbox_cli.host import access
from sandbox_cli.plan import ceiling, command, filesystem, interpreter, limits, workspace
from sandbox_cli.policy import scalars
from sandbox_cli.policy.ceiling import NO_CEILING
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.host.access import Account
    from sandbox_cli.host.model import Host
    from sandbox_cli.host.runtimes import Found
    from sandbox_cli.job import Job
    from sandbox_cli.plan.command import Program
    from sandbox_cli.plan.filesystem import Mounts
    from sandbox_cli.plan.request import Request
    from sandbox_cli.plan.workspace import Workspace
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.model import Policy

_MOST_PATTERNS, _LONGEST_PATTERN = 100, 4096  # each is held against every file, while a job may be cancelled


class Settled(NamedTuple):
    """`written` is the policy with the job's own options; `effective` the same within the ceiling and on this host.

    `reachable` is the effective one with what is closed to the job's account taken from where `binds` put it.
    """

    written: Policy
    effective: Policy
    reachable: Policy
    binds: Sequence[tuple[str, str]]
    workspace: Workspace | None
    program: Program
    language: str | None  # of code; a command is in none
    runtime: Found | None
    ceilings: Ceilings


def settle(job: Job, asked: Request, host: Host, ceilings: Ceilings = NO_CEILING) -> Settled:
    """Raises UsageError, HostError and RefusedError for what can't be had here on any backend."""
    is_code = job.get("command") is None
    options = job.get("limits", {})
    policy = asked.policy if is_code else _without_compile(asked.policy)
    terminal = job.get("terminal", False)
    policy = limits.at_most(policy, options) if terminal else policy
    written = limits.apply(policy, options, job.get("network"))
    within = workspace.of_job(job.get("workspace"), written, host)
    account = _account(within, host)
    runs = interpreter.of_job(job, asked, account, needed=is_code, bounded=bool(ceilings.each))
    written = interpreter.granted(written, runs)
    written = _collecting(written, job)
    bounded = ceiling.bound(written, ceilings, limits.wished(options, terminal=terminal))
    mounts = filesystem.effective(bounded, host, runs.shown)
    chosen = [workspace.CLAUSE] if within else []
    granted = _granted(bounded, mounts, within)
    ceiling.refuse(granted, ceilings, written=written, links=host.root_links, chosen=chosen)
    reachable, binds = filesystem.reachable(mounts, account)
    return Settled(
        written=written,
        effective=_brought_here(bounded, mounts, within),
        reachable=_brought_here(bounded, reachable, within),
        binds=binds,
        workspace=within,
        program=command.of_job(job, bounded, runs.found, mounts, in_scratch=within is None, venv=runs.venv),
        language=asked.policy.language.name if is_code and asked.policy.language else None,
        runtime=runs.found if is_code else None,
        ceilings=ceilings,
    )


def _granted(policy: Policy, mounts: Mounts, within: Workspace | None) -> Policy:
    """What the job gets of it here: mounts, those of its runtime too, and of directories the one that it brings."""
    return policy.model_copy(update={"filesystem": mounts, "workspace": within.mode if within else policy.workspace})


def _account(within: Workspace | None, host: Host) -> Account | None:
    """As root, whom all that the job needs must be open to: the directory's owner, or an account that owns nothing."""
    if not host.root:
        return None
    if within is None or within.owner is None:
        return access.OTHERS
    uid, gid = within.owner
    return access.Account(uid, frozenset({gid}))


def _without_compile(policy: Policy) -> Policy:
    """A command is compiled already: no step, and no bounds of one."""
    if policy.language is None:
        return policy
    return policy.model_copy(update={"language": policy.language.model_copy(update={"compile": None})})


def _brought_here(written: Policy, mounts: Mounts, within: Workspace | None) -> Policy:
    """`written` with the mounts that it has on this host, and the caller's directory among them."""
    if within is None:
        return written.model_copy(update={"filesystem": mounts})
    said = {f"filesystem.{path}": limits.by_option(workspace.CLAUSE) for path in within.mounts}
    return written.model_copy(
        update={
            "filesystem": workspace.stand(within, mounts, written),
            "directory": within.directory,
            "workspace": within.mode,
            "sources": {**written.sources, **said, workspace.CLAUSE: limits.by_option(workspace.CLAUSE)},
        }
    )


def _collecting(policy: Policy, job: Job) -> Policy:
    """`policy` with the patterns of --collect in place of its own."""
    patterns = job.get("collect", [])
    said = limits.by_option("artifacts.collect")
    if len(patterns) > _MOST_PATTERNS or any(len(each) > _LONGEST_PATTERN for each in patterns):
        most = f"{_MOST_PATTERNS} patterns of {_LONGEST_PATTERN} characters"
        raise UsageError(f"--collect takes at most {most}", hint="write fewer, with * and **", blame=said)
    for pattern in patterns:
        if not pattern or scalars.leads_out(pattern):
            raise UsageError(
                f"--collect {quoted(pattern)} {'leads out of scratch' if pattern else 'matches no file'}",
                hint=scalars.PATTERNS,
                blame=said,
            )
    if not patterns:
        return policy
    artifacts = policy.artifacts.model_copy(update={"collect": tuple(patterns)})
    return policy.model_copy(update={"artifacts": artifacts, "sources": {**policy.sources, said["clause"]: said}})
