"""Run code that nobody has to trust, under policies that a security team writes once.

From Python, as docs/api.md has it: `import sandbox_cli as sandbox; sandbox.run("print(1)", language="python").stdout`.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from sandbox_cli.api.calls import Sandbox, arun, doctor, load_policy, run
    from sandbox_cli.api.examined import Backend, ControlGroups, Doctor, HostFacts, NotStrict
    from sandbox_cli.api.options import JobOptions, OnOutput, RunOptions, SandboxOptions
    from sandbox_cli.api.results import (
        Artifact,
        ArtifactOmitted,
        Blame,
        Clause,
        Compile,
        ErrorReport,
        Gap,
        PolicyIdentity,
        Receipt,
        Result,
        Runtime,
        Usage,
    )
    from sandbox_cli.errors import HostError, JobError, PolicyError, RefusedError, SandboxError, UsageError
    from sandbox_cli.policy.model import Policy

__all__ = [
    "Artifact", "ArtifactOmitted", "Backend", "Blame", "Clause", "Compile", "ControlGroups", "Doctor", "ErrorReport",
    "Gap", "HostError", "HostFacts", "JobError", "JobOptions", "NotStrict", "OnOutput", "Policy", "PolicyError",
    "PolicyIdentity", "Receipt", "RefusedError", "Result", "RunOptions", "Runtime", "Sandbox", "SandboxError",
    "SandboxOptions", "Usage", "UsageError", "arun", "doctor", "load_policy", "run",
]  # fmt: skip

_PLACES = {  # where what doesn't stand in api.results is; imported when it is first asked for
    "api.calls": ("Sandbox", "arun", "doctor", "load_policy", "run"),
    "api.examined": ("Backend", "ControlGroups", "Doctor", "HostFacts", "NotStrict"),
    "api.options": ("JobOptions", "OnOutput", "RunOptions", "SandboxOptions"),
    "errors": ("HostError", "JobError", "PolicyError", "RefusedError", "SandboxError", "UsageError"),
    "policy.model": ("Policy",),
}


def _found(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    place = next((place for place, names in _PLACES.items() if name in names), "api.results")
    found = getattr(import_module(f"{__name__}.{place}"), name)
    if name != "run":
        globals()[name] = found
    return found


if not TYPE_CHECKING:  # it would take any name for one of ours
    __getattr__ = _found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """`run` is the public function. A package of ours is called so, too, and to import it must not put that here."""

    @property
    def run(self) -> object:
        return _found("run")

    @run.setter
    def run(self, _: ModuleType) -> None:
        pass


sys.modules[__name__].__class__ = _Package
