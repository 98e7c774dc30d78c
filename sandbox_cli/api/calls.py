"""The public functions: a job from Python, at once or awaited, and what this machine and a policy say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox_cli.api import arguments, running
from sandbox_cli.api.keys import in_keys
from sandbox_cli.api.options import JobOptions, RunOptions, SandboxOptions
from sandbox_cli.api.perform import Performed, perform
from sandbox_cli.api.plans import Plans
from sandbox_cli.api.results import of_outcome
from sandbox_cli.errors import HostError, SandboxError
from sandbox_cli.policy import loading

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from typing import Unpack

    from sandbox_cli.api.examined import Doctor
    from sandbox_cli.api.options import OnOutput
    from sandbox_cli.api.results import Result
    from sandbox_cli.policy.model import Policy


def run(code: str | bytes | None = None, **job: Unpack[RunOptions]) -> Result:
    """Runs a job, and returns what came of it.

    Policies, configuration and ceilings are read anew for each call; a `Sandbox` reads them once. The job has ended and
    nothing of it is left when this returns or raises, KeyboardInterrupt included.

    Raises UsageError, PolicyError, HostError and RefusedError where nothing ran, and whatever `on_output` raises.
    """
    arguments.check_names(job, RunOptions)
    asked = _asked(code, job)
    return _result(running.wait(_task(asked, lambda: _plans(job)), asked.on_output))


async def arun(code: str | bytes | None = None, **job: Unpack[RunOptions]) -> Result:
    """`run` for an event loop, which goes on meanwhile; each job has a thread of its own.

    A task that is cancelled while it waits ends the job: it gets its CancelledError when nothing of the job is left.
    """
    arguments.check_names(job, RunOptions)
    asked = _asked(code, job)
    return _result(await running.wait_async(_task(asked, lambda: _plans(job)), asked.on_output))


class Sandbox:
    """Many jobs under one policy, which is read and compiled once; for any number of threads and tasks.

    What it is made with holds for each of its jobs; what a job says goes over that, in `limits`, `env` and `files` name
    by name. A policy, a configuration or a ceiling that changes later is not seen. There is nothing to close.
    """

    def __init__(
        self,
        policy: str | os.PathLike[str] | None = None,
        *,
        audit: str | os.PathLike[str] | None = None,
        **defaults: Unpack[SandboxOptions],
    ) -> None:
        arguments.check_names(defaults, SandboxOptions)
        said = {"policy": policy, "audit": audit, **defaults}
        arguments.read(said)
        self._defaults = {name: value for name, value in said.items() if value is not None}
        self._plans = _plans(said)
        if "policy" in self._defaults:
            self._plans.load(arguments.read({"policy": policy})["policy"])

    def run(self, code: str | bytes | None = None, **job: Unpack[JobOptions]) -> Result:
        """As `sandbox.run`."""
        arguments.check_names(job, JobOptions)
        asked = _asked(code, arguments.merged(self._defaults, job))
        return _result(running.wait(_task(asked, lambda: self._plans), asked.on_output))

    async def arun(self, code: str | bytes | None = None, **job: Unpack[JobOptions]) -> Result:
        """As `sandbox.arun`."""
        arguments.check_names(job, JobOptions)
        asked = _asked(code, arguments.merged(self._defaults, job))
        return _result(await running.wait_async(_task(asked, lambda: self._plans), asked.on_output))


def load_policy(name_or_path: str | os.PathLike[str]) -> Policy:
    """The policy of that name, or in that file, with all that it extends. Raises PolicyError where it is none."""
    said = arguments.read({"policy": name_or_path})
    return loading.load(said["policy"])


def doctor() -> Doctor:
    """What this machine can enforce, by trying it: as `sandbox doctor`. It takes about a second."""
    from sandbox_cli.api.examined import of_facts
    from sandbox_cli.plan.doctor import examine

    return of_facts(examine())


def _asked(code: object, options: Mapping[str, object]) -> arguments.Asked:
    try:
        return arguments.asked(code, options)
    except SandboxError as error:
        in_keys(error)
        raise


def _plans(options: Mapping[str, object]) -> Plans:
    try:
        return Plans(arguments.read({"audit": options.get("audit")}).get("audit"))
    except SandboxError as error:
        in_keys(error)
        raise


def _task(asked: arguments.Asked, plans: Callable[[], Plans]) -> running.Task:
    def task(cancel: int | None, on_output: OnOutput | None) -> Performed:
        return perform(asked.given, plans(), kind="api", cancel=cancel, capture=asked.capture, on_output=on_output)

    return task


def _result(performed: Performed) -> Result:
    """Raises what kept the job from running, and HostError where an audit did not get its line."""
    if performed.error is not None:
        raise performed.error
    result = of_outcome(performed.outcome)
    if performed.lost is not None:
        error = HostError(performed.lost, hint="the job ran: its result stands in the error's `result`")
        error.result = result
        raise error
    return result
