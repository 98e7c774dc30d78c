"""Finds interpreters and compilers: the real files behind a command, and which of them a job can run.

They are looked for in PATH, then where a policy says (`language.runtime.paths`), then in the folders of the
version managers; the first is the default. A link is followed to its end (update-alternatives makes two). A
shim is not a runtime: it starts one that somebody's settings name. pyenv's is looked through; others are left
out, each with the reason.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sandbox_cli.errors import HostError
from sandbox_cli.host import access, managers
from sandbox_cli.host.access import OTHERS, Account
from sandbox_cli.host.ask import SYSTEM_PATH, ask_once, first_number
from sandbox_cli.host.shims import leads_elsewhere, real_programs, stands_for_another

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox_cli.host.wanted import Wanted

ENVIRONMENT = (("LANG", "C.UTF-8"), ("PATH", SYSTEM_PATH))
REASONS = 3  # that an error tells; `find` has them all
AT_ONCE = 8  # that are asked for their version: most of the time each waits for its own start


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
    """`behind` says that a folder above its prefix is closed to the job's account: root can bind it past that."""

    file: Path
    problem: str | None
    behind: bool = False


def find_default(
    command: str,
    version_arg: str = "--version",
    *,
    paths: Sequence[str] = (),
    package: str | None = None,
    path: str | None = None,
    account: Account | None = None,
    wanted: Wanted | None = None,
) -> Found:
    """The first runtime that `account` can run; of a `wanted` version, where one is given.

    No other is asked for its version on the way. HostError where there is none, with what was wrong with each.
    """
    reasons: list[str] = []
    versions: list[str] = []
    for file, problem, _ in _candidates(command, paths, path, _account(account)):
        told, silent = _version(file, version_arg) if problem is None else (None, None)
        if reason := problem or silent:
            reasons.append(reason)
        elif wanted is None or wanted.takes(told):
            return Found(str(file), told, _prefix(file), default=True)
        else:
            versions.append(told or f"{file}, which tells no version")
    raise _none(command if wanted is None else f"{command} {wanted.text}", versions, reasons, package)


def find(
    command: str,
    version_arg: str = "--version",
    *,
    paths: Sequence[str] = (),
    path: str | None = None,
    account: Account | None = None,
) -> list[Found]:
    """All of them, in the order in which they are preferred, with versions; at most one is the default."""
    from concurrent.futures import ThreadPoolExecutor  # a job asks one runtime alone: find_default

    candidates = list(_candidates(command, paths, path, _account(account)))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(_version, each.file, version_arg) for each in candidates]
    found: list[Found] = []
    for (file, problem, _), answer in zip(candidates, asked, strict=True):
        told, silent = answer.result()
        reason = problem or silent
        is_first = reason is None and not any(other.default for other in found)
        found.append(Found(str(file), told, _prefix(file), is_first, reason))
    return found


def of_file(
    real: Path,
    command: str,
    version_arg: str = "--version",
    *,
    paths: Sequence[str] = (),
    account: Account | None = None,
) -> Found | None:
    """The runtime whose real file that is; None where the search for `command` doesn't come across it."""
    for file, problem, _ in _candidates(command, paths, os.environ.get("PATH", ""), _account(account)):
        if file == real:
            told, silent = _version(file, version_arg)
            return Found(str(file), told, _prefix(file), problem=problem or silent)
    return None


def _none(wanted: str, versions: Sequence[str], reasons: Sequence[str], package: str | None) -> HostError:
    """Versions that are there but weren't asked for say more than what is wrong with the others."""
    there = list(dict.fromkeys(versions))
    said = f"; there {'is' if len(there) == 1 else 'are'} {_listed(there)}" if there else _told_briefly(reasons)
    hint = f"install {wanted} where every account can run it"
    if there:
        hint += ", or ask for what is there: `sandbox languages` lists it"
    elif package is not None:
        hint = f"apt-get install {package}"
    return HostError(f"there is no {wanted} that a job can run{said}", hint=hint)


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _account(account: Account | None) -> Account:
    return account or (OTHERS if os.geteuid() == 0 else access.caller())


def _candidates(command: str, paths: Sequence[str], path: str | None, account: Account) -> Iterator[_Candidate]:
    """Each real file once. What can be reached comes before what root would have to bind."""
    seen: set[Path] = set()
    behind: list[_Candidate] = []
    for named in _named(command, paths, os.environ.get("PATH", "") if path is None else path):
        if not access.is_file(named):
            continue
        for file in real_programs(named):
            if file in seen:
                continue
            seen.add(file)
            candidate = _candidate(file, account)
            if candidate.behind:
                behind.append(candidate)
            else:
                yield candidate
    yield from behind


def _named(command: str, paths: Sequence[str], path: str) -> Iterator[Path]:
    """Where `command` may stand: those called so in PATH first, then those like `python3.12`, then elsewhere."""
    if "/" in command:
        if command.startswith("/"):
            yield Path(command)
        return
    folders = _folders(path)
    yield from (folder / command for folder in folders)
    yield from (file for folder in folders for file in _versioned(folder, command))
    for folder in managers.listed(paths):
        yield folder / command
        yield from _versioned(folder, command)
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (pathlib's raises for an account without a home)
    yield from (folder / command for folder in managers.managed(os.environ, home))


def _folders(path: str) -> list[Path]:
    """Absolute ones: what stands in the current directory is no runtime of this machine."""
    folders = [Path(folder) for folder in [*path.split(":"), *SYSTEM_PATH.split(":")]]
    return list(dict.fromkeys(folder for folder in folders if folder.is_absolute()))


def _versioned(folder: Path, command: str) -> Sequence[Path]:
    form = re.compile(rf"{re.escape(command)}[-.]?\d+(\.\d+)*")
    try:
        named = [folder / name for name in os.listdir(folder) if form.fullmatch(name)]  # noqa: PTH208
    except OSError:
        return []
    return managers.newest_first(named)


def _candidate(file: Path, account: Account) -> _Candidate:
    if reason := _unfit(file):
        return _Candidate(file, reason)
    part = access.closed(file, account)
    if part is None:
        return _Candidate(file, None)
    prefix = Path(_prefix(file))
    if os.geteuid() == 0 and part in prefix.parents and access.closed(file, account, below=prefix) is None:
        return _Candidate(file, None, behind=True)
    return _Candidate(file, f"{file} can't be reached by the job's account: {part} is closed to it")


def _unfit(file: Path) -> str | None:
    """Why it is no runtime, whoever asks. Only what is none of these is asked for its version: that runs it."""
    if leads_elsewhere(file):
        return f"{file} is a script that starts something else"
    if stands_for_another(file):
        return f"{file} stands for other programs, by the name that it is called"
    if os.geteuid() == 0 and (reason := access.untrusted(file)):
        return f"{file} isn't run as root: {reason}"
    return None


def _version(file: Path, version_arg: str) -> tuple[str | None, str | None]:
    """(version, problem): many a program has no version to tell, but one that doesn't even run is no runtime."""
    if _unfit(file) is not None or not os.access(file, os.X_OK):
        return None, None
    answer = ask_once(file, version_arg, ENVIRONMENT)
    if answer is None:
        return None, f"{file} doesn't answer when asked {version_arg}"
    return first_number(answer), None


def _told_briefly(reasons: Sequence[str]) -> str:
    more = f", and {len(reasons) - REASONS} more" if len(reasons) > REASONS else ""
    return f": {'; '.join(reasons[:REASONS])}{more}" if reasons else ""


def _prefix(file: Path) -> str:
    """The tree that a runtime was installed into: `/usr`, `/opt/go`, `~/.pyenv/versions/3.12.4`.

    Never one that holds more than programs (`/`, `/tmp`, a home, ~/.local): there it is the folder of the file.
    """
    if file.parent.name not in ("bin", "sbin"):
        return str(file.parent)
    tree = file.parent.parent
    is_top = len(tree.parts) <= 2 and tree != Path("/usr")
    is_home = tree.parent == Path("/home") or str(tree) == os.environ.get("HOME")
    return str(file.parent if is_top or is_home or tree.name == ".local" else tree)
