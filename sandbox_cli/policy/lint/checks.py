"""Every rule's check: a pure function of a policy and of how it came about. Those of a machine are in plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from sandbox_cli.policy.lint import calls, environment, limits, mounts, texts
from sandbox_cli.policy.lint.found import Finding, Found
from sandbox_cli.policy.lint.table import INVALID, RULES, SECRET

if TYPE_CHECKING:
    from sandbox_cli.errors import PolicyError
    from sandbox_cli.policy.loading import Traced

Check = Callable[["Traced"], Iterable[Found]]

_OF_SOURCES = (
    "whole-root-visible", "home-visible", "kernel-files-visible", "device-visible", "secrets-visible",
    "socket-visible", "system-folder-visible",
)  # fmt: skip

CHECKS: Mapping[str, Check] = {
    **{rule: mounts.visible(rule) for rule in _OF_SOURCES},
    "writable-host-path": mounts.writable,
    "writable-and-executable": mounts.writable_and_executable,
    "mount-hidden": mounts.hidden,
    "mount-redundant": mounts.redundant,
    "network-host": calls.network_host,
    "never-held": calls.never_held,
    "filter-off": calls.filter_off,
    "filter-only-logs": calls.only_logs,
    "dangerous-calls": calls.dangerous,
    "calls-beyond-default": calls.beyond_default,
    "limit-missing": limits.missing,
    "limit-without-maximum": limits.without_maximum,
    "isolation-not-required": limits.isolation_not_required,
    "limit-not-required": limits.limit_not_required,
    SECRET: environment.secret,
    "code-from-writable-place": environment.code_from_writable_place,
    "dead-override": texts.dead_override,
    "selftest-missing": texts.selftest_missing,
    "extends-outside": texts.extends_outside,
    "file-writable-by-all": texts.writable_by_all,
}


def check(policy: str, traced: Traced) -> list[Finding]:
    """What the rules that need no machine find; `policy` is what it is called by whoever asks."""
    return [finding(policy, rule, found) for rule, ask in CHECKS.items() for found in ask(traced)]


def finding(policy: str, rule: str, found: Found) -> Finding:
    file, line, column, clause, message, hint = found
    row = RULES[rule]
    return Finding(policy, rule, row.severity, file, line, column, clause, message, hint or row.fix)


def invalid(policy: str, error: PolicyError) -> Finding:
    """A policy that can't be loaded, as a finding."""
    place = (error.file, error.line, error.column, error.clause)
    return Finding(policy, INVALID, RULES[INVALID].severity, *place, error.message, error.hint)
