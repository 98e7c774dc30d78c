"""What a job asks for: which policy binds it, and which language its code is in."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli import policy as policies
from sandbox_cli.errors import PolicyError, UsageError
from sandbox_cli.plan.words import listed
from sandbox_cli.policy import places
from sandbox_cli.policy.spelling import nearest
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox_cli.job import Job
    from sandbox_cli.policy.model import Policy

    Load = Callable[[str], Policy]  # the policy of a name or a path

FOR_COMMANDS = "command"  # the policy of `exec` where neither -p nor -l says another
SEE_LANGUAGES = "`sandbox languages` lists them"


class Request(NamedTuple):
    """`policy` says what is allowed, and carries the language; `version` is what stood behind the `@` of `-l`."""

    policy: Policy
    version: str | None = None


def resolve(job: Job, load: Load | None = None) -> Request:
    """The policy and language of `job`: the language is `-l`'s, else that of `-p`'s policy, else the extension's."""
    load = load or policies.load
    given = [key for key in ("code", "file", "command") if job.get(key) is not None]
    if len(given) != 1:
        raise UsageError(
            f"a job needs exactly one of code, file and command, and this one has {listed(given) or 'none'}"
        )
    language = job.get("language")
    name, at, version = (language or "").partition("@")
    if language == "":
        raise UsageError("-l '' names no language", hint=SEE_LANGUAGES)
    if language is not None and at and not (name and version):
        raise UsageError(f"-l {quoted(language)} is no NAME@VERSION", hint="write it as in -l python@3.12")
    chosen, supplier = job.get("policy"), None
    if chosen is not None:
        policy = load(chosen)
        supplier = _supplied(policy, name, load)
    elif name:
        policy = by_name(name, load)
    elif job.get("command") is not None:
        policy = load(FOR_COMMANDS)
    else:
        policy = _by_extension(job.get("file"), load)
    if job.get("locked"):
        _check_locked(policy, supplier)
    if supplier is not None:
        policy = policy.model_copy(update={"language": supplier.language})
    if policy.language is None and job.get("command") is None:
        raise UsageError(
            f"policy {policy.name} names no language, and code needs one", hint=f"name it with -l; {SEE_LANGUAGES}"
        )
    return Request(policy, version or None)


def _check_locked(*used: Policy | None) -> None:
    from sandbox_cli.policy import lock

    for policy in used:
        if policy is not None:
            lock.check(policy)


def by_name(name: str, load: Load | None = None) -> Policy:
    """The policy of a language, by its name or an alias."""
    load = load or policies.load
    if name in {each.name for each in policies.available()}:  # the index reads every policy there is
        policy = load(name)
        if policy.language is not None and policy.language.name == name:
            return policy
    index = {word: policy for word, policy in policies.language_index().items() if not word.startswith(".")}
    if name in index:
        return load(index[name])
    _raise_what_is_broken()
    close = nearest(name, index)
    raise UsageError(
        f"there is no language {quoted(name)}",
        hint=f"did you mean `{close}`? {SEE_LANGUAGES}" if close else SEE_LANGUAGES,
    )


def _raise_what_is_broken() -> None:
    """A policy that stands in for a built-in one and can't be read hides its language: that may be why."""
    for each in policies.available():
        if (places.BUILT_IN / f"{each.name}.yaml").exists():
            policies.load(each.name)


def catalogue() -> Iterator[Policy]:
    """The policy of each language.

    One that can't be read is passed over: a broken file in somebody's folder says so where it is asked for by
    name, in `policy list` and in `policy check`.
    """
    for name in sorted(set(policies.language_index().values())):
        try:
            policy = policies.load(name)
        except PolicyError:
            continue
        yield policy


def _supplied(policy: Policy, name: str, load: Load) -> Policy | None:
    """`-p` says what is allowed; `-l` must name its language, or supplies it where it has none: by this policy."""
    language = policy.language
    if not name or (language is not None and name in (language.name, *language.aliases)):
        return None
    if language is None:
        return by_name(name, load)
    raise UsageError(
        f"policy {policy.name} is for {language.name}, not for {name}",
        hint=f"leave out -l, or name a policy for {name} with -p",
    )


def _by_extension(file: str | None, load: Load) -> Policy:
    if file is None:
        raise UsageError("a snippet doesn't say which language it is in", hint=f"name it with -l; {SEE_LANGUAGES}")
    extension = PurePath(file).suffix
    policy = policies.language_index().get(extension) if extension else None
    if policy is not None:
        return load(policy)
    _raise_what_is_broken()
    why = f"there is no language with the extension {extension}" if extension else "it has no extension"
    raise UsageError(
        f"{quoted(file)} doesn't say which language it is in: {why}", hint=f"name it with -l; {SEE_LANGUAGES}"
    )
