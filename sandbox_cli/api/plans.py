"""What the jobs of one process share: configuration, ceilings, the facts of this machine, and equal plans."""

from __future__ import annotations

import os
import posixpath
import threading
from collections import OrderedDict
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING
from weakref import WeakSet

from sandbox_cli import policy as policies
from sandbox_cli.plan import (
    compile,  # noqa: A004 (the published name)
    machine,
    trial,
)
from sandbox_cli.plan.audits import demanded
from sandbox_cli.policy import ceiling, config

if TYPE_CHECKING:
    from collections.abc import Hashable

    from sandbox_cli.job import Job
    from sandbox_cli.plan.model import Plan

# Imported late otherwise: a fork that is made in the middle of another thread's import never gets that module.
for _name in ("pyseccomp", "sandbox_cli.backends.rendering", "encodings.ascii", "encodings.unicode_escape"):
    import_module(_name)

_AS_THEY_ARE = ("language", "policy", "locked", "network", "backend", "best_effort", "value", "venv")
_MOST = 256  # plans that are kept: about 30 kB each
_LONGEST_KEY = 64 << 10  # bytes, or so


class Plans:
    """Compiles jobs, equal ones once. Thread-safe.

    Configuration and ceilings are read when it is made, each policy when the first job needs it, and none of them once
    more; so is the host asked, and a jailer tried. `audit` is a file that gets a line of every job, beside those that
    are demanded anyway.
    """

    def __init__(self, audit: str | None = None) -> None:
        self.config, self.ceilings = config.load(), ceiling.load()
        self.demands = demanded(audit, self.config, self.ceilings)
        self._audit = audit
        self._look, self._starts = machine.looking(self.config), trial.trying(self.config)
        self.load = cache(policies.load)
        self._kept: OrderedDict[Hashable, Plan] = OrderedDict()
        self._lock = threading.Lock()
        _all.add(self)

    def of(self, job: Job) -> Plan:
        """The plan of `job`, but for its arguments: see `arguments`. Raises as `plan.compile` does.

        That of a job with a workspace is not kept: what of the directory is closed to the job (a repository's hooks)
        depends on what stands there now, and the job before may have changed it. Nor is one that would be found by more
        than anybody asks for twice.
        """
        if job.get("workspace") is not None or _is_long(job):
            with self._lock:
                return self._compile({**job, "audit": self._audit})
        key = _key(job)
        with self._lock:  # compiling is pure Python: side by side it would take no less
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = self._compile({**job, "audit": self._audit})
                if len(self._kept) > _MOST:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end(key)
            return kept

    def unlock(self) -> None:
        """In a fork: whoever held the lock is not there."""
        self._lock = threading.Lock()

    def _compile(self, job: Job) -> Plan:
        if command := job.get("command"):
            job["command"] = command[:1]
        return compile(
            job,
            config=self.config,
            ceilings=self.ceilings,
            look=self._look,
            starts=self._starts,
            load=self.load,
        )


_all: WeakSet[Plans] = WeakSet()


def _free() -> None:
    """In a fork: the thread that held a lock is not there. What it protects is whole: each change of it is one step."""
    for plans in _all:
        plans.unlock()


os.register_at_fork(after_in_child=_free)


def arguments(job: Job) -> list[str]:
    """What stands behind the first word of a job's program: plans that differ in nothing else are one."""
    return [*(job.get("command") or [])[1:], *job.get("args", [])]


def _is_long(job: Job) -> bool:
    """Whether the key of its plan takes more memory than the plan."""
    words = [job.get("file") or "", *(job.get("command") or [""])[:1], *(name for _, name in job.get("files", []))]
    words += [*job.get("collect", []), *job.get("env", {}), *job.get("limits", {})]
    return sum(len(each) + 64 for each in words) > _LONGEST_KEY


def _key(job: Job) -> Hashable:
    """All that a plan depends on: neither arguments nor content do."""
    command = job.get("command")
    return (
        job.get("code") is not None,
        job.get("file") is not None,
        posixpath.basename(job.get("file") or ""),
        command[0] if command else None,
        tuple(sorted(job.get("limits", {}).items())),
        tuple(job.get("collect", [])),
        tuple(name for _, name in job.get("files", [])),
        tuple(sorted(job.get("env", {}))),
        *(job.get(key) for key in _AS_THEY_ARE),
    )
