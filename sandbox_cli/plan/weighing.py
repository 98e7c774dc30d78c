"""What each backend would do with a policy on this host, clause by clause."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from sandbox_cli import plan
from sandbox_cli.errors import SandboxError
from sandbox_cli.plan.choose import fix, short
from sandbox_cli.plan.levels import told
from sandbox_cli.plan.receipt import clauses
from sandbox_cli.result import Clause, Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox_cli.job import Job
    from sandbox_cli.plan.choose import Choice
    from sandbox_cli.plan.levels import Held
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.policy.config import Config


class NotStrict(TypedDict):
    """A clause that is held less than strictly: why, and what would make it strict; null where nothing here would."""

    clause: str
    level: Level
    reason: str
    fix: str | None


class Examined(TypedDict):
    """A backend: whether it can hold the policy here, or why not and what would help."""

    name: str
    program: str | None
    version: str | None
    usable: bool
    problem: str | None
    fix: str | None


class Weighed(Examined):
    """A backend, and how well it can hold each clause of the policy here; or why not, and what would help."""

    clauses: list[Clause]
    not_strict: list[NotStrict]


def decide(policy: str, backend: str | None, config: Config, *, best_effort: bool) -> tuple[Settled, Choice]:
    job: Job = {"command": ["true"], "policy": policy, "backend": backend, "best_effort": best_effort}
    return plan.decide(job, config=config)


def weigh(policy: str, backend: str, config: Config) -> Weighed:
    """What a job would get of it, which tries its jailer; --best-effort, to see every clause's level."""
    weighed: Weighed = {
        "name": backend, "program": None, "version": None, "usable": False, "problem": None, "fix": None,
        "clauses": [], "not_strict": [],
    }  # fmt: skip
    try:
        settled, choice = decide(policy, backend, config, best_effort=True)
    except SandboxError as error:
        weighed["problem"] = _joined(short(gap) for gap in error.gaps) or str(error)
        weighed["fix"] = _joined(gap["fix"] for gap in error.gaps) or error.hint
        return weighed
    weighed["program"], weighed["version"] = choice.jailer.program, choice.jailer.version
    weighed["clauses"] = clauses(choice.held, settled.written, settled.effective)
    weighed["not_strict"] = [_not_strict(each) for each in told(choice.held) if each.asked and each.level != "strict"]
    lowered = [each for each in choice.held if each.lowered]
    weighed["usable"] = not lowered
    weighed["problem"] = _joined(f"{each.clause} would be {each.level}" for each in lowered)
    weighed["fix"] = _joined(fix(each) for each in lowered)
    return weighed


def _not_strict(held: Held) -> NotStrict:
    return {"clause": held.clause, "level": held.level, "reason": held.reason or "", "fix": held.fix}


def _joined(texts: Iterable[str | None]) -> str | None:
    """Each of them once."""
    return "; ".join(dict.fromkeys(filter(None, texts))) or None
