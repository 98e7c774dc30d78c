"""What an agent may ask for: jobs under the policies that the operator listed, and nothing of the operator's files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli import policy as policies
from sandbox_cli.api.plans import Plans
from sandbox_cli.api.request import of_json
from sandbox_cli.errors import PolicyError, RefusedError, SandboxError, UsageError
from sandbox_cli.plan import choose, machine, workspace
from sandbox_cli.policy import places
from sandbox_cli.policy.spelling import nearest
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox_cli.api.request import Given
    from sandbox_cli.job import Job
    from sandbox_cli.mcp.terms import Terms
    from sandbox_cli.policy.model import Policy

_OPERATORS = "the operator decides that when the server starts"
CLOSED = {  # what a job of somebody else's may say, and an agent's not: why, and what to do
    "file": ("a job reads no file of this machine", "give the program's text as `code`, and other files in `files`"),
    "workspace": ("a job can't choose a directory of this machine", _OPERATORS),
    "venv": ("a job can't choose a virtual environment of this machine", _OPERATORS),
    "audit": ("a job can't choose where it is written down", _OPERATORS),
    "best_effort": ("a job can't do with less than its policy requires", "leave it out"),
    "locked": ("a job can't choose whether policies must be locked", _OPERATORS),
}


class Offered(NamedTuple):
    """A policy: `said` is how the operator named it, by a name or a path."""

    said: str
    policy: Policy

    def is_for(self, language: str) -> bool:
        own = self.policy.language
        return own is not None and language in (own.name, *own.aliases)


class Offer:
    """The policies as their files are now, by the name that an agent says, and the plans that are made of them.

    Raises SandboxError where a policy of the operator's can't be used, or allows no workspace.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.plans = Plans(terms.audit)
        self.policies = _listed(terms) if terms.policies else _shipped()
        choose.order(terms.backend, os.environ, self.plans.config)
        self.workspace = self._workspace()

    def given(self, document: Mapping[str, object]) -> Given:
        """The job that an agent asks for, with all that is the operator's. Raises UsageError and RefusedError."""
        for key, (why, hint) in CLOSED.items():
            if document.get(key) is not None:
                raise RefusedError(f"{key}: {why}", hint=hint)
        asked = of_json({key: value for key, value in document.items() if key not in CLOSED})
        job = asked.job
        fixed = self._terms.backend
        if fixed is not None and job.get("backend") not in {None, fixed}:
            raise RefusedError(f"backend: it is {fixed} for every job here", hint="leave it out")
        job["backend"] = fixed or job.get("backend")
        job["policy"] = self._chosen(job).said
        job["workspace"], job["locked"] = self.workspace, self._terms.locked
        return asked

    def named(self, name: str) -> Offered:
        found = self.policies.get(name)
        if found is None:
            close = nearest(name, self.policies)
            guess = f"did you mean `{close}`? " if close else ""
            raise RefusedError(
                f"policy {quoted(name)} is none of those that can be used here", hint=f"{guess}{self._those()}"
            )
        return found

    def _chosen(self, job: Job) -> Offered:
        """The policy that the job names; else the first of its language, else the first that is of none."""
        name, language = job.get("policy"), (job.get("language") or "").partition("@")[0]
        if name is not None:
            return self.named(name)
        every = list(self.policies.values())
        if language and (found := next((each for each in every if each.is_for(language)), None)):
            return found
        if found := next((each for each in every if each.policy.language is None), None):
            return found
        if language:
            raise RefusedError(f"no policy here is for the language {quoted(language)}", hint=self._those())
        if len(every) == 1:
            return every[0]
        if job.get("command") is not None:
            raise UsageError(
                "no policy here is for commands alone", hint=f"say in `policy` under which; {self._those()}"
            )
        raise UsageError("`code` doesn't say which language it is in", hint='name it, as in {"language": "python"}')

    def _those(self) -> str:
        return f"there are: {', '.join(self.policies)}"

    def _workspace(self) -> str | None:
        option = self._terms.workspace
        if option is None:
            return None
        preferred = choose.order(self._terms.backend, os.environ, self.plans.config)
        host = machine.looking(self.plans.config)(preferred.names[0])
        for each in self.policies.values():
            found = workspace.of_job(option, each.policy, host)
            assert found is not None
            workspace.refuse_accounts_of_jobs(found, self.plans.config.uid_range)
            option = f"{found.directory}:{found.mode}"
        return option


def _listed(terms: Terms) -> dict[str, Offered]:
    found: dict[str, Offered] = {}
    for said in terms.policies:
        policy = policies.load(said)
        if policy.name in found and found[policy.name].said != said:
            hint = "an agent knows a policy by its name: rename one of the files"
            raise UsageError(f"two policies are called {quoted(policy.name)}", hint=hint)
        found[policy.name] = Offered(said, policy)
    return found


def _shipped() -> dict[str, Offered]:
    """The policies of languages that we bring, each as it is found by its name; one that can't be read is left out."""
    found: dict[str, Offered] = {}
    for file in places.built_in():
        try:
            policy = policies.load(file.stem)
        except PolicyError:
            continue  # `sandbox policy check` says why
        if policy.language is not None:
            found[file.stem] = Offered(file.stem, policy)
    return found


class Current:
    """The offer, made anew when a file that it was made of has changed: what is edited holds for the next job."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._offer = Offer(terms)
        self._stamp = _stamp(self._offer)

    def offer(self) -> Offer:
        """Raises SandboxError for what can't be read as it is now: nothing runs under what was there before."""
        stamp = _stamp(self._offer)
        if stamp != self._stamp:
            offer = Offer(self._terms)
            self._offer, self._stamp = offer, _stamp(offer)
        return self._offer


def _stamp(offer: Offer) -> tuple[object, ...]:
    """What changes when a policy, a ceiling or a configuration does, or one is put before another of its name."""
    chains = [file for each in offer.policies.values() for file in each.policy.files]
    named = [each.path for each in places.available()]
    locks = [f"{os.path.dirname(file)}/policies.lock" for file in chains]  # noqa: PTH120 (a path as it is written)
    folders = [places.SYSTEM, places.user_folder(), *(place.folder for place in places.search_order())]
    others = [f"{folder}/{name}" for folder in folders[:2] for name in ("config.yaml", "ceiling.yaml")]
    files = dict.fromkeys(
        [*chains, *named, *locks, *map(str, folders), *others, os.environ.get("SANDBOX_CEILING") or "/"]
    )
    return tuple(_of_file(file) for file in files)


def _of_file(path: str) -> tuple[object, ...]:
    try:
        found = os.stat(path)  # noqa: PTH116 (forty of them for each job)
    except OSError as error:
        return path, error.errno
    return path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def problem(error: SandboxError) -> str:
    """One sentence, and what to do about it."""
    return f"{error}\nhint: {error.hint}" if error.hint else str(error)
