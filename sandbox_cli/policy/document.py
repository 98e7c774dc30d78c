"""A policy as plain JSON in the grammar's own long form, and the digest over it.

The form can be loaded again and then has the same digest: what a reviewer sees is what was hashed.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from sandbox_cli.policy import units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.policy.model import Compile, Language, Limit, Mount, Policy, SyscallRule, Syscalls


def document(policy: Policy) -> dict[str, object]:
    """All clauses of a policy, defaults included. Name and places are not in it: they change nothing."""
    network = policy.network
    return {
        "version": 1,
        "description": policy.description,
        "language": _language(policy.language) if policy.language else None,
        "limits": _limits(policy.limits),
        "filesystem": {path: _mount(mount) for path, mount in policy.filesystem.items()},
        "network": {"allow": list(network["allow"])} if isinstance(network, dict) else network,
        "syscalls": _syscalls(policy.syscalls),
        "workspace": policy.workspace,
        "environment": dict(policy.environment),
        "artifacts": {
            "collect": list(policy.artifacts.collect),
            "max_files": policy.artifacts.max_files,
            "max_bytes": units.format_value("size", policy.artifacts.max_bytes),
        },
        "require": dict(policy.require),
    }


def digest(policy: Policy) -> str:
    """sha256 of the document in its canonical form."""
    return digest_of(document(policy))


def digest_of(value: object) -> str:
    """sha256 of plain values as JSON with sorted keys, without spaces, in UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _limits(limits: Mapping[str, Limit]) -> dict[str, object]:
    return {
        name: {
            "default": None if limit.default is None else units.format_limit(name, limit.default),
            "max": None if limit.max is None else units.format_limit(name, limit.max),
        }
        for name, limit in limits.items()
    }


def _mount(mount: Mount) -> object:
    noexec = {"noexec": True} if mount.noexec else {}
    if mount.mode == "tmpfs":
        return {"mode": "tmpfs", **noexec} if noexec else "tmpfs"
    if mount.mode == "symlink":
        return {"symlink": mount.source}
    return {"from": mount.source, "mode": mount.mode, "optional": mount.optional, **noexec}


def _syscalls(syscalls: Syscalls) -> dict[str, object]:
    names, listed = ("deny", syscalls.deny) if syscalls.allow is None else ("allow", syscalls.allow)
    rules = [_rule(rule) for rule in syscalls.rules]
    return {names: list(listed or ()), "rules": rules, "action": syscalls.action}


def _rule(rule: SyscallRule) -> dict[str, object]:
    """Numbers as hex text: JSON's own would lose the lowest of 64 bits."""
    looked_at = {} if rule.arg is None else {"arg": rule.arg, "mask": f"{rule.mask:#x}", "value": f"{rule.value:#x}"}
    return {"syscall": rule.syscall, **looked_at, "action": rule.action}


def _language(language: Language) -> dict[str, object]:
    return {
        "name": language.name,
        "aliases": list(language.aliases),
        "extensions": list(language.extensions),
        "file": language.file,
        "runtime": language.runtime.model_dump(mode="json") if language.runtime else None,
        "compile": _compile(language.compile) if language.compile else None,
        "run": list(language.run),
        "value": list(language.value) or None,
        "selftest": language.selftest.model_dump(mode="json") if language.selftest else None,
    }


def _compile(step: Compile) -> dict[str, object]:
    return {"run": list(step.run), "limits": _limits(step.limits)}
