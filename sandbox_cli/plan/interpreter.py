"""What runs the code: the runtime of the policy's language in the version that is asked for, or that of a `--venv`."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.host import access, managers, runtimes, venvs
from sandbox_cli.host.runtimes import Found
from sandbox_cli.host.wanted import Wanted, wanted
from sandbox_cli.plan import limits
from sandbox_cli.plan.filesystem import Shown
from sandbox_cli.plan.request import by_name
from sandbox_cli.policy import lock, places
from sandbox_cli.policy.model import Mount, RuntimeSpec
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from sandbox_cli.host.access import Account
    from sandbox_cli.job import Job
    from sandbox_cli.plan.request import Request
    from sandbox_cli.policy.model import Policy

CLAUSE = "language.runtime"


class Interpreter(NamedTuple):
    """`found` is what `{{ runtime }}` means, `shown` what of the host it needs, `venv` the directory of `--venv`."""

    found: Found | None = None
    shown: Shown | None = None
    venv: str | None = None


def of_job(job: Job, asked: Request, account: Account | None, *, needed: bool, bounded: bool = False) -> Interpreter:
    """What `account` can run, or, where that is None, we ourselves. `bounded`: there is a ceiling.

    A command may do without one (`needed` is false): where there is none it then only isn't shown.
    """
    spec, version = _spec(asked), _wanted(asked)
    venv = job.get("venv")
    if venv is not None:
        python = _python(asked, spec, locked=job.get("locked", False))
        python = _of_root_alone(python) if bounded or _is_anybodys(asked.policy) else python
        return _of_venv(venvs.read(venv, account), venv, python, version, account)
    if spec is None:
        return Interpreter()
    try:
        spec = _of_root_alone(spec) if bounded or _is_anybodys(asked.policy) else spec
        found = runtimes.find_default(
            spec.command, spec.version, paths=spec.paths, package=spec.package, wanted=version, account=account
        )
    except HostError as error:
        if not needed and version is None:
            return Interpreter()
        error.blame = limits.blame(asked.policy, CLAUSE) if version is None else limits.by_option(CLAUSE)
        raise
    return Interpreter(found, Shown(found.path, found.prefix))


def granted(policy: Policy, interpreter: Interpreter) -> Policy:
    """`policy` with what `--venv` adds to it: one directory, read-only, where it stands on the host."""
    if interpreter.venv is None:
        return policy
    clause = f"filesystem.{interpreter.venv}"
    mounts = {**policy.filesystem, interpreter.venv: Mount(mode="ro", source=interpreter.venv)}
    sources = {**policy.sources, clause: limits.by_option(clause)}
    return policy.model_copy(update={"filesystem": mounts, "sources": sources})


def _is_anybodys(policy: Policy) -> bool:
    """Whether a file that stands in no place of policies says which runtime it is, and where."""
    said = [policy.sources.get(f"language.runtime.{key}") for key in ("command", "paths")]
    files = [each["file"] for each in said if each is not None and each["file"] is not None]
    return not all(places.holds(Path(file)) for file in files)


def _of_root_alone(spec: RuntimeSpec) -> RuntimeSpec:
    """`spec` less the folders in which others than root could put a program.

    A runtime is asked for its version outside of any jail: who can write both a policy and a program, as whoever wrote
    a clone, or an agent whose job works in a directory, would have that run with all that the caller may.
    """
    command = Path(spec.command)
    if command.is_absolute() and access.is_file(command):
        why = access.untrusted(command.parent.resolve()) or access.untrusted(command.resolve())
        if why is not None:
            hint = "name it without a path and add its folder to PATH, or have root install it"
            raise HostError(f"{command} isn't asked for its version: {why}", hint=hint)
    folders = [folder for folder in managers.listed(spec.paths) if access.untrusted(folder.resolve()) is None]
    return spec.model_copy(update={"paths": tuple(map(str, folders))})


def _of_venv(
    venv: venvs.Venv, given: str, spec: RuntimeSpec, version: Wanted | None, account: Account | None
) -> Interpreter:
    base = runtimes.of_file(venv.base, spec.command, spec.version, paths=spec.paths, account=account)
    if base is None:
        raise HostError(
            f"--venv {quoted(given)} rests on {quoted(str(venv.base))}, which is no runtime that was found here",
            hint="add its folder to PATH, or to `language.runtime.paths` of the policy",
        )
    if base.problem is not None:
        raise HostError(
            f"--venv {quoted(given)}: {base.problem}", hint="make it anew with an interpreter of the system"
        )
    if version is not None and not version.takes(base.version):
        raise UsageError(
            f"--venv {quoted(given)} has version {base.version or 'unknown'}, and -l asks for {version.text}",
            hint="leave out the @VERSION of -l, or name another DIR",
        )
    found = Found(venv.python, base.version, str(venv.path))
    return Interpreter(found, Shown(base.path, base.prefix, venv.links), str(venv.path))


def _spec(asked: Request) -> RuntimeSpec | None:
    language = asked.policy.language
    spec = language.runtime if language is not None else None
    if spec is None and asked.version is not None:
        name = language.name if language is not None else "a policy without a language"
        raise UsageError(f"there are no versions of {name} to choose from", hint="leave out the @VERSION of -l")
    return spec


def _wanted(asked: Request) -> Wanted | None:
    language = asked.policy.language
    if asked.version is None or language is None:
        return None
    return wanted(asked.version, of=language.name)


def _python(asked: Request, spec: RuntimeSpec | None, *, locked: bool) -> RuntimeSpec:
    """How a Python is looked for: as the policy's language says; any program may use one, where it has none."""
    language = asked.policy.language
    if spec is not None and posixpath.basename(spec.command).startswith(("python", "pypy")):
        return spec
    if language is not None:
        raise UsageError(
            f"--venv is for Python, and policy {asked.policy.name} is for {language.name}", hint="leave out --venv"
        )
    python = by_name("python")
    if locked:
        lock.check(python)
    assert python.language is not None  # by_name finds no policy without one
    return python.language.runtime or RuntimeSpec(command="python3")
