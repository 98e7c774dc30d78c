"""Which files get a line of each job (docs/audit.md), and that no job can write in one of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import RefusedError, SandboxError, UsageError
from sandbox_cli.plan import request
from sandbox_cli.plan.limits import blame, by_option
from sandbox_cli.plan.words import place
from sandbox_cli.policy import guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox_cli.job import Job
    from sandbox_cli.policy.ceiling import Ceilings
    from sandbox_cli.policy.config import Config
    from sandbox_cli.policy.model import Policy
    from sandbox_cli.result import Blame, PolicyIdentity

CLAUSE = "audit"


class Demand(NamedTuple):
    """A file that is to have the line of a job, and who says so."""

    path: str
    blame: Blame


def demanded(option: str | None, config: Config, ceilings: Ceilings) -> list[Demand]:
    """What ceiling, configuration and option demand, each file once: nobody can take away what another demands."""
    said = [*ceilings.audits, *config.audit]
    found = {path: Demand(path, by) for path, by in reversed(said)}
    if option is not None:
        path = _absolute(option)
        found.setdefault(path, Demand(path, by_option(CLAUSE)))
    return list(found.values())


def refuse_within_reach(demands: Sequence[Demand], policy: Policy) -> None:
    """Raises RefusedError where the job of the effective `policy` could write, replace or move one of the files."""
    writable = {
        _known_by(mount.source or path): path for path, mount in policy.filesystem.items() if mount.mode == "rw"
    }
    for demand in demands if writable else ():
        for each in _way(demand.path):
            shown = writable.get(_known_by(each))
            if shown is not None and _known_by(each) is not None:
                said = blame(policy, f"filesystem.{shown}")
                raise RefusedError(
                    f"the job could write in {demand.path}: {shown} is writable to it",
                    hint=f"have the audit elsewhere, or {shown} read-only ({place(said)})",
                    blame=demand.blame,
                )


def identity(job: Job, ceilings: Ceilings) -> tuple[PolicyIdentity | None, str | None]:
    """Of a job that was refused: the policy that it would have run under, and its language, as far as there are any."""
    try:
        policy = request.resolve({**job, "locked": False}).policy  # what isn't as it was locked has a digest, too
    except SandboxError:
        return None, None
    language = policy.language.name if policy.language and job.get("command") is None else None
    return {"name": policy.name, "digest": policy.digest, "ceiling": ceilings.digest}, language


def _absolute(option: str) -> str:
    if not option or "\0" in option:
        raise UsageError("--audit names no file", hint="name one in a directory of yours", blame=by_option(CLAUSE))
    try:
        return str(Path(option).absolute())
    except OSError as error:
        message = f"the file can't be found: {error.strerror}"
        raise UsageError(message, hint="give its whole path", blame=by_option(CLAUSE)) from None


def _way(path: str) -> set[Path]:
    """The file, and every folder on the way to it, by whatever links."""
    try:
        return {Path(path), *guard.folders(Path(path))}
    except OSError:
        return {Path(path), *Path(path).parents}


def _known_by(path: str | Path) -> tuple[int, int] | None:
    """Device and inode: a folder that is mounted elsewhere, too, is still the same."""
    try:
        looks = Path(path).stat()
    except OSError:
        return None
    return looks.st_dev, looks.st_ino
