"""The last step: everything that was decided, written down as a Plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.backends import BACKENDS
from sandbox_cli.host.model import Groups
from sandbox_cli.plan import identity, receipt
from sandbox_cli.plan.limits import blame
from sandbox_cli.plan.workspace import refuse_accounts_of_jobs
from sandbox_cli.policy.bounds import of_compile
from sandbox_cli.policy.filter import compile_filter
from sandbox_cli.slots import SCRATCH

if TYPE_CHECKING:
    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.choose import Choice
    from sandbox_cli.plan.model import Compile, Plan
    from sandbox_cli.plan.model import Groups as PlannedGroups
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame


def plan(settled: Settled, choice: Choice, uid_range: tuple[int, int]) -> Plan:
    """The Plan of `settled` on the chosen backend."""
    policy, backend, jailer = settled.effective, BACKENDS[choice.backend], choice.jailer
    invocation = backend.render(settled.reachable, choice.host)
    runtime, workspace = settled.runtime, settled.workspace
    if workspace is not None:
        refuse_accounts_of_jobs(workspace, uid_range)
    return {
        "backend": choice.backend,
        "program": jailer.program,
        "version": jailer.version,
        "argv": invocation["argv"],
        "data": invocation["data"],
        "environ": invocation["environ"],
        "watched": backend.WATCHED,
        "binds": [*settled.binds, *([jailer.bind] if jailer.bind else [])],
        "account": identity.account(
            choice.host, choice.backend, uid_range, workspace.owner if workspace is not None else None
        ),
        "scratch": invocation["scratch"],
        "directory": SCRATCH if workspace is None else workspace.directory,
        "working_in": None if workspace is None else workspace.identity,
        "unwanted": [] if workspace is None else list(workspace.unwanted),
        "command": settled.program.command.words,
        "argv0": settled.program.command.argv0,
        "compile": _compile(settled, choice, invocation["spare_tasks"]),
        "file": settled.program.file,
        "environment": [f"{name}={value}" for name, value in settled.program.environment.items()],
        "rlimits": identity.rlimits(policy, choice.held, invocation["spare_tasks"]),
        "filter": compile_filter(policy.syscalls, choice.host.machine, isolated=policy.network != "host"),
        "syscall_blame": _syscall_blame(policy),
        "limits": receipt.limits(choice.held, policy),
        "groups": _groups(choice.host),
        "seal": invocation["seal"],
        "artifacts": {
            "collect": list(policy.artifacts.collect),
            "max_files": policy.artifacts.max_files,
            "max_bytes": policy.artifacts.max_bytes,
        },
        "receipt": receipt.receipt(choice, settled.written, policy),
        "lowered": list(choice.lowered),
        "policy": {
            "name": policy.name,
            "digest": policy.digest,
            "ceiling": settled.ceilings.digest,
        },
        "language": settled.language,
        "runtime": {"path": runtime.path, "version": runtime.version} if runtime else None,
    }


def _compile(settled: Settled, choice: Choice, spare_tasks: int) -> Compile | None:
    policy, command = settled.effective, settled.program.compile
    if command is None:
        return None
    bounded = policy.model_copy(update={"limits": of_compile(policy)})
    return {
        "command": command.words,
        "argv0": command.argv0,
        "directory": SCRATCH,
        "rlimits": identity.rlimits(bounded, choice.held, spare_tasks),
        "limits": receipt.limits(choice.held, policy, compiling=True),
        "blame": blame(policy, "language.compile"),
    }


def _syscall_blame(policy: Policy) -> Blame | None:
    if policy.syscalls.action == "kill":
        return blame(policy, "syscalls")
    by_rule = any(rule.action == "kill" for rule in policy.syscalls.rules)
    return blame(policy, "syscalls.rules") if by_rule else None


def _groups(host: Host) -> PlannedGroups | None:
    return host.groups.planned() if isinstance(host.groups, Groups) else None
