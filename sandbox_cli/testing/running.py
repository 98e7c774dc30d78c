"""One test in a real jail, on the same way as every job: plan, then run."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli import plan
from sandbox_cli.audit.job import AuditedJob, new_id, refused
from sandbox_cli.errors import HostError, RefusedError, SandboxError
from sandbox_cli.plan import assemble, interpreter, view
from sandbox_cli.run import execute
from sandbox_cli.testing.judging import judge
from sandbox_cli.text import readable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox_cli.job import Job
    from sandbox_cli.plan.audits import Demand
    from sandbox_cli.plan.choose import Choice, Look, Starts
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.config import Config
    from sandbox_cli.policy.model import Mount
    from sandbox_cli.policy.testfile import PolicyTest
    from sandbox_cli.result import Outcome
    from sandbox_cli.run.model import Work
    from sandbox_cli.testing.outcomes import Mismatch, Tested
    from sandbox_cli.testing.suites import Suite

CAPTURE_BYTES = 1 << 20
_LONGEST_TAIL = 500  # characters of stderr that are told where a test failed


class Shared(NamedTuple):
    """What all tests of one call share."""

    config: Config
    ceilings: Ceilings
    look: Look
    starts: Starts
    demands: Sequence[Demand]  # of audits
    cancel: int  # an fd: each job that is to be ended reads a byte of it, the signal's number


class Unusable(NamedTuple):
    """Why a backend can't hold a policy here, and what would help."""

    reason: str
    fix: str | None


def unusable(policy: str, backend: str, shared: Shared) -> Unusable | None:
    """None: it can. What is wrong with the policy itself is raised."""
    try:
        _decided({"command": ["true"], "policy": policy, "backend": backend}, shared)
    except (HostError, RefusedError) as error:
        fixes = dict.fromkeys(gap["fix"] for gap in error.gaps if gap["fix"])
        reasons = dict.fromkeys(gap["reason"] for gap in error.gaps)
        return Unusable("; ".join(reasons) or str(error), "; ".join(fixes) or error.hint)
    return None


def tested(suite: Suite, test: PolicyTest, backend: str, shared: Shared) -> Tested:
    """Runs one test on a backend that is usable. RefusedError or HostError where an audit can't have its line."""
    began = time.monotonic()
    found = blank(suite, test, backend)
    outcome, error, mounts = _run(suite, test, _job(suite, test, backend), shared)
    if isinstance(error, HostError):  # no word on the policy: a test that expects to be refused doesn't mean this
        if error.blame and error.blame["clause"] == interpreter.CLAUSE:
            return {**found, "reason": error.message, "fix": error.hint}
        problem: Mismatch = {"what": "job", "expected": "that it runs", "observed": str(error)}
        return {**found, "verdict": "failed", "mismatches": [problem]}
    code = _code(suite, test) or b""
    found["mismatches"] = judge(test.expected, outcome, lambda path: _is_hidden(path, mounts), code)
    found["verdict"] = "failed" if found["mismatches"] else "passed"
    found["status"], found["cause"] = outcome["status"], outcome["cause"]
    found["stderr"] = _tail(outcome) if found["mismatches"] else None
    found["time_s"] = round(time.monotonic() - began, 3)
    return found


def _run(
    suite: Suite, test: PolicyTest, job: Job, shared: Shared
) -> tuple[Outcome, SandboxError | None, Mapping[str, Mount]]:
    """How the job went, why it did not, if so, and what its jail showed."""
    code = _code(suite, test)
    audited = AuditedJob(new_id(), shared.ceilings)
    audited.open("test", shared.demands)  # before anything else: that it can't be is no word on the policy, either
    audited.describe(job, code)
    mounts: Mapping[str, Mount] = {}
    failed: SandboxError | None = None
    try:
        settled, choice = _decided(job, shared)
        mounts = settled.effective.filesystem
        work = _work(audited.id, test, code, settled.program.file, shared)
        outcome = execute(assemble.plan(settled, choice, shared.config.uid_range), work)
    except SandboxError as error:
        audited.identify(error)
        outcome, failed = refused(error, audited.id), error
    problem = audited.write(outcome, failed)
    if problem is not None:
        raise HostError(problem)
    return outcome, failed, mounts


def blank(suite: Suite, test: PolicyTest, backend: str, why: Unusable | None = None) -> Tested:
    """A test that has not run."""
    reason, fix = why or (None, None)
    return {
        "policy": suite.policy, "name": test.name, "file": test.source, "line": test.line, "backend": backend,
        "verdict": "skipped", "mismatches": [], "reason": reason, "fix": fix,
        "status": None, "cause": None, "stderr": None, "time_s": 0.0,
    }  # fmt: skip


def _decided(job: Job, shared: Shared) -> tuple[Settled, Choice]:
    return plan.decide(job, config=shared.config, ceilings=shared.ceilings, look=shared.look, starts=shared.starts)


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


def _code(suite: Suite, test: PolicyTest) -> bytes | None:
    if test.file is not None:
        return suite.contents[test.file]
    return test.code.encode() if test.code is not None else None


def _work(job_id: str, test: PolicyTest, code: bytes | None, file: str | None, shared: Shared) -> Work:
    name = os.fsencode(file) if file is not None else None
    program = [(name, code, 0o644)] if name is not None and code is not None else []
    return {
        "id": job_id,
        "arguments": [word.encode() for word in test.args],
        "file": name,
        "inputs": [*program, *((path.encode(), content, 0o644) for path, content in test.files.items())],
        "environment": [f"{key}={value}".encode() for key, value in test.env.items()],
        "stdin": test.stdin,
        "stdout": None,
        "stderr": None,
        "capture": CAPTURE_BYTES,
        "collect": "inline",
        "output_dir": None,
        "cancel": shared.cancel,
    }


def _is_hidden(path: str, mounts: Mapping[str, Mount]) -> bool:
    """Whether this host has it, and nothing of it is to be seen in the jail."""
    return os.path.lexists(path) and not view.shows(path, mounts)


def _tail(outcome: Outcome) -> str | None:
    """The last of what the program, or its compiler, complained of."""
    step = outcome["compile"] if outcome["status"] == "compile-error" else outcome
    written = readable(step["stderr"][-4 * _LONGEST_TAIL :]) if step is not None else ""
    return written.strip()[-_LONGEST_TAIL:] or None
