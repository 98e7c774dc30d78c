"""Finds interpreters and compilers: the real files behind a command, and which of them a job can run.

A link is followed to its end (update-alternatives makes two). A shim is not a runtime: it starts one that
somebody's settings name. pyenv's is looked through; others are left out, each with the reason.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from sandbox_cli.errors import HostError
from sandbox_cli.host import access
from sandbox_cli.host.access import OTHERS, Account
from sandbox_cli.host.ask import SYSTEM_PATH, ask_once, first_number
from sandbox_cli.host.shims import leads_elsewhere, real_programs, stands_for_another

ENVIRONMENT = (("LANG", "C.UTF-8"), ("PATH", SYSTEM_PATH))
REASONS = 3  # that an error tells; `find` has them all


@dataclass(frozen=True)
class Found:
    """A runtime. `prefix` is the folder that it needs of the host; `problem` says why a job can't have it.

    `version` is None where it tells none, or where nobody asked.
    """

    path: str
    version: str | None
    prefix: str
    default: bool = False
    problem: str | None = None


class _Candidate(NamedTuple):
    file: Path
    problem: str | None


def find_default(
    command: str,
    version_arg: str = "--version",
    *,
    path: str | None = None,
    account: Account | None = None,
    version: str | None = None,
) -> Found:
    """The first runtime that `account` can run; of `version` ("3.12" takes 3.12.4), where one is given.

    No other is asked for its version on the way. HostError where there is none, with what was wrong with each.
    """
    passed_over: list[str] = []
    for file, problem in _candidates(command, path, _account(account), versioned=version is not None):
        told, silent = _version(file, version_arg) if problem is None else (None, None)
        reason = problem or silent
        if reason is None and (version is None or _matches(told, version)):
            return Found(str(file), told, _prefix(file), default=True)
        passed_over.append(reason or f"{file} {f'is {told}' if told else 'tells no version'}")
    wanted = command if version is None else f"{command} {version}"
    hint = f"install {wanted} where every account can run it"
    raise HostError(f"there is no {wanted} that a job can run{_told_briefly(passed_over)}", hint=hint)


def find(
    command: str, version_arg: str = "--version", *, path: str | None = None, account: Account | None = None
) -> list[Found]:
    """All of them, in the order in which they are preferred, with versions; at most one is the default."""
    found: list[Found] = []
    for file, problem in _candidates(command, path, _account(account), versioned=True):
        told, silent = (None, None) if _may_not_ask(file) else _version(file, version_arg)
        reason = problem or silent
        is_first = reason is None and not any(other.default for other in found)
        found.append(Found(str(file), told, _prefix(file), is_first, reason))
    return found


def _account(account: Account | None) -> Account:
    return account or (OTHERS if os.geteuid() == 0 else access.caller())


def _candidates(command: str, path: str | None, account: Account, *, versioned: bool) -> Iterator[_Candidate]:
    """Each real file once: those called `command` first, then, if `versioned`, those like `python3.12`."""
    seen: set[Path] = set()
    folders = _folders(os.environ.get("PATH", "") if path is None else path)
    files = [folder / command for folder in folders]
    if "/" in command:
        files = [Path(command)] if command.startswith("/") else []
    elif versioned:
        files += [file for folder in folders for file in _versioned(folder, command)]
    for named in files:
        if not access.is_file(named):
            continue
        for file in real_programs(named):
            if file not in seen:
                seen.add(file)
                yield _Candidate(file, _problem(file, account))


def _folders(path: str) -> list[Path]:
    """Absolute ones: what stands in the current directory is no runtime of this machine."""
    folders = [Path(folder) for folder in [*path.split(":"), *SYSTEM_PATH.split(":")]]
    return list(dict.fromkeys(folder for folder in folders if folder.is_absolute()))


def _versioned(folder: Path, command: str) -> Sequence[Path]:
    form = re.compile(rf"{re.escape(command)}[-.]?\d+(\.\d+)*")
    try:
        return [folder / name for name in sorted(os.listdir(folder), reverse=True) if form.fullmatch(name)]  # noqa: PTH208
    except OSError:
        return []


def _problem(file: Path, account: Account) -> str | None:
    if leads_elsewhere(file):
        return f"{file} is a script that starts something else"
    if stands_for_another(file):
        return f"{file} stands for other programs, by the name that it is called"
    if os.geteuid() == 0 and (reason := access.untrusted(file)):
        return f"{file} isn't run as root: {reason}"
    if part := access.closed(file, account):
        return f"{file} can't be reached by the job's account: {part} is closed to it"
    return None


def _may_not_ask(file: Path) -> bool:
    """Asking runs it, as ourselves."""
    if leads_elsewhere(file) or stands_for_another(file) or not os.access(file, os.X_OK):
        return True
    return os.geteuid() == 0 and access.untrusted(file) is not None


def _version(file: Path, version_arg: str) -> tuple[str | None, str | None]:
    """(version, problem): many a program has no version to tell, but one that doesn't even run is no runtime."""
    answer = ask_once(file, version_arg, ENVIRONMENT)
    if answer is None:
        return None, f"{file} doesn't answer when asked {version_arg}"
    return first_number(answer), None


def _told_briefly(reasons: list[str]) -> str:
    more = f", and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
    return f": {'; '.join(reasons[:REASONS])}{more}" if reasons else ""


def _matches(told: str | None, wanted: str) -> bool:
    return told is not None and (told == wanted or told.startswith(wanted + "."))


def _prefix(file: Path) -> str:
    """The tree that a runtime was installed into: `/usr`, `/opt/go`, `~/.pyenv/versions/3.12.4`.

    Never one that holds more than programs (`/`, `/tmp`, a home): there it is the folder of the file.
    """
    if file.parent.name not in ("bin", "sbin"):
        return str(file.parent)
    tree = file.parent.parent
    is_top = len(tree.parts) <= 2 and tree != Path("/usr")
    is_home = tree.parent == Path("/home") or str(tree) == os.environ.get("HOME")
    return str(file.parent if is_top or is_home else tree)
