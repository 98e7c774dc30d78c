"""One test in a real jail, on the same way as every job: plan, then run."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli import plan
from sandbox_cli.audit import Audit
from sandbox_cli.errors import HostError, RefusedError, SandboxError
from sandbox_cli.plan import assemble, interpreter, view
from sandbox_cli.result import refusal
from sandbox_cli.run import execute
from sandbox_cli.testing.judging import judge
from sandbox_cli.text import readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox_cli.job import Job
    from sandbox_cli.plan.audits import Demand
    from sandbox_cli.plan.choose import Choice, Look, Starts
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.config import Config
    from sandbox_cli.policy.model import Mount
    from sandbox_cli.policy.testfile import PolicyTest
    from sandbox_cli.result import Outcome
    from sandbox_cli.run.model import Work
    from sandbox_cli.testing.outcomes import Mismatch, Tested
    from sandbox_cli.testing.suites import Suite

CAPTURE_BYTES = 1 << 20
_LONGEST_TAIL = 500  # characters of stderr that are told where a test failed


class Site(NamedTuple):
    """What all tests of one call share."""

    config: Config
    look: Look
    starts: Starts
    cancel: int  # an fd: each job that is to be ended reads a byte of it, the signal's number
    demands: Sequence[Demand]  # a test is a job, and has its line where every job must


class Unusable(NamedTuple):
    """Why a backend can't hold a policy here, and what would help."""

    reason: str
    fix: str | None


def unusable(policy: str, backend: str, site: Site) -> Unusable | None:
    """None: it can. What is wrong with the policy itself is raised."""
    try:
        _decided({"command": ["true"], "policy": policy, "backend": backend}, site)
    except (HostError, RefusedError) as error:
        fixes = dict.fromkeys(gap["fix"] for gap in error.gaps if gap["fix"])
        reasons = dict.fromkeys(gap["reason"] for gap in error.gaps)
        return Unusable("; ".join(reasons) or str(error), "; ".join(fixes) or error.hint)
    return None


def tested(suite: Suite, test: PolicyTest, backend: str, site: Site) -> Tested:
    """Runs one test on a backend that is usable."""
    began = time.monotonic()
    found = blank(suite, test, backend)
    mounts: dict[str, Mount] = {}
    try:
        outcome = _ran(suite, test, backend, site, mounts)
    except HostError as error:  # no word on the policy: a test that expects to be refused doesn't mean this
        if error.blame and error.blame["clause"] == interpreter.CLAUSE:
            return {**found, "reason": error.message, "fix": error.hint}
        problem: Mismatch = {"what": "job", "expected": "that it runs", "observed": str(error)}
        return {**found, "verdict": "failed", "mismatches": [problem]}
    except SandboxError as error:
        outcome = refusal(error, "test")
    found["mismatches"] = judge(test.expected, outcome, lambda path: _is_hidden(path, mounts))
    found["verdict"] = "failed" if found["mismatches"] else "passed"
    found["status"], found["cause"] = outcome["status"], outcome["cause"]
    found["stderr"] = _tail(outcome) if found["mismatches"] else None
    found["time_s"] = round(time.monotonic() - began, 3)
    return found


def blank(suite: Suite, test: PolicyTest, backend: str, why: Unusable | None = None) -> Tested:
    """A test that has not run."""
    reason, fix = why or (None, None)
    return {
        "policy": suite.policy, "name": test.name, "file": test.source, "line": test.line, "backend": backend,
        "verdict": "skipped", "mismatches": [], "reason": reason, "fix": fix,
        "status": None, "cause": None, "stderr": None, "time_s": 0.0,
    }  # fmt: skip


def _ran(suite: Suite, test: PolicyTest, backend: str, site: Site, mounts: dict[str, Mount]) -> Outcome:
    """Puts what the jail has mounted into `mounts`. Whatever comes of the job, it has its line in every audit."""
    job, job_id = _job(suite, test, backend), os.urandom(8).hex()
    audit = Audit(job_id, "test", site.demands)
    try:
        audit.open()
    except RefusedError as error:
        raise HostError(str(error), hint=error.hint) from None
    audit.describe(job, None if "command" in job else _code(suite, test))
    try:
        settled, choice = _decided(job, site)
        mounts |= settled.effective.filesystem
        work = _work(suite, test, settled, site, job_id)
        outcome = execute(assemble.plan(settled, choice, site.config.uid_range), work)
    except SandboxError as error:
        _refuse_lost(audit.write(refusal(error, job_id), error))
        raise
    _refuse_lost(audit.write(outcome))
    return outcome


def _refuse_lost(problem: str | None) -> None:
    if problem is not None:
        raise HostError(problem)


def _decided(job: Job, site: Site) -> tuple[Settled, Choice]:
    return plan.decide(job, config=site.config, look=site.look, starts=site.starts)


def _job(suite: Suite, test: PolicyTest, backend: str) -> Job:
    job: Job = {
        "policy": suite.policy,
        "backend": backend,
        "language": test.language,
        "args": list(test.args),
        "env": dict(test.env),
        "limits": dict(test.limits),
        "network": test.network,
        "collect": list(test.collect),
        "files": [("", name) for name in test.files],
    }
    if test.file is not None:
        job["file"] = test.file
    elif test.code is not None:
        job["code"] = test.code.encode()
    else:
        job["command"] = list(test.command)
    return job


def _code(suite: Suite, test: PolicyTest) -> bytes:
    return suite.contents[test.file] if test.file is not None else (test.code or "").encode()


def _work(suite: Suite, test: PolicyTest, settled: Settled, site: Site, job_id: str) -> Work:
    name = settled.program.file
    program = [(os.fsencode(name), _code(suite, test), 0o644)] if name is not None else []
    return {
        "id": job_id,
        "arguments": [word.encode() for word in test.args],
        "file": os.fsencode(name) if name is not None else None,
        "inputs": [*program, *((path.encode(), content, 0o644) for path, content in test.files.items())],
        "environment": [f"{name}={value}".encode() for name, value in test.env.items()],
        "stdin": test.stdin,
        "stdout": None,
        "stderr": None,
        "capture": CAPTURE_BYTES,
        "collect": "inline",
        "output_dir": None,
        "cancel": site.cancel,
    }


def _is_hidden(path: str, mounts: Mapping[str, Mount]) -> bool:
    """Whether this host has it, and nothing of it is to be seen in the jail."""
    return os.path.lexists(path) and not view.shows(path, mounts)


def _tail(outcome: Outcome) -> str | None:
    """The last of what the program, or its compiler, complained of."""
    step = outcome["compile"] if outcome["status"] == "compile-error" else outcome
    written = readable(step["stderr"][-4 * _LONGEST_TAIL :]) if step is not None else ""
    return written.strip()[-_LONGEST_TAIL:] or None
