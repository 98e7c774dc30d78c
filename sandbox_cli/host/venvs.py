"""Virtual environments of Python: whether a directory is one, and which interpreter it rests on.

Anybody can write one, and it may come with a clone. So nothing of it runs outside of a jail, and nothing
that it names is shown for its word alone: who shows its interpreter asks first whether that is a runtime
of this machine (runtimes.py).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox_cli.errors import HostError, UsageError
from sandbox_cli.host import access
from sandbox_cli.text import quoted

if TYPE_CHECKING:
    from sandbox_cli.host.access import Account

CONFIG = "pyvenv.cfg"
CONFIG_BYTES = 64 << 10  # the real ones have 300
MOST_LINKS = 40  # the kernel's own bound
ANEW = "make it anew: python3 -m venv --clear DIR"


@dataclass(frozen=True)
class Venv:
    """`path` is its directory, without links; `base` the real file of its interpreter.

    `links` are those, with their targets, on the ways that lead out of it to `base`: uv goes by one that is called
    cpython-3.12, beside the folder of 3.12.4.
    """

    path: Path
    base: Path
    links: tuple[tuple[str, str], ...] = ()

    @property
    def python(self) -> str:
        """As which name it is started: beside that an interpreter looks for pyvenv.cfg."""
        return str(self.path / "bin" / "python")


def read(given: str, account: Account | None = None) -> Venv:
    """The virtual environment in the directory `given`, which must be open to `account`, where that isn't ourselves.

    Raises UsageError for what is none, HostError for what its links lack here.
    """
    path = Path(os.path.realpath(given))
    if problem := _problem(path):
        raise UsageError(f"--venv {quoted(given)}: {problem}", hint="make one: python3 -m venv DIR")
    settings = _settings(given, path)
    if not any((path / "lib").glob("python*/site-packages")):
        raise UsageError(f"--venv {quoted(given)} has no site-packages", hint=ANEW)
    if account is not None:
        _refuse_closed(given, path, account)
    python = path / "bin" / "python"
    real = Path(os.path.realpath(python))
    if real.is_relative_to(path):  # a copy
        real = _told(settings) or real
    if not access.is_file(real) or real.is_relative_to(path):
        lead = f"leads to {quoted(str(real))}" if python.is_symlink() else "is a copy"
        raise HostError(f"--venv {quoted(given)}: its bin/python {lead}, and no interpreter is there", hint=ANEW)
    ways = [python, Path(settings.get("home", "/"), real.name)]  # an interpreter looks for its library from `home`
    links = {link: target for way in ways if os.path.realpath(way) == str(real) for link, target in _links(way)}
    return Venv(
        path, real, tuple((link, target) for link, target in links.items() if not Path(link).is_relative_to(path))
    )


def _problem(path: Path) -> str | None:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 (pathlib's raises for an account without a home)
    if not os.path.isdir(path):  # noqa: PTH112 (pathlib's raises for a name that is too long)
        return "there is no such directory"
    if len(path.parts) <= 2 or home.is_relative_to(path) or path.parent == Path("/home"):
        return "it holds more than a virtual environment"
    if not str(path).isprintable() or ":" in str(path):
        return "no path with a colon, or with what can't be printed, can stand in PATH and in a jailer's configuration"
    if not access.is_file(path / CONFIG):
        return f"it is no virtual environment: it has no {CONFIG}"
    return None


def _settings(given: str, path: Path) -> dict[str, str]:
    try:
        with open(path / CONFIG, "rb", opener=_without_waiting) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            text = file.read(CONFIG_BYTES).decode(errors="replace") if regular else ""
    except OSError as error:
        raise UsageError(f"--venv {quoted(given)}: {CONFIG}: {error.strerror}", hint=ANEW) from None
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # it may have become a fifo


def _refuse_closed(given: str, path: Path, account: Account) -> None:
    """The way to it can be opened; what is closed in it stays so, and would be no package to the job."""
    for part in (path / CONFIG, *(path / "lib").glob("python*/site-packages")):
        wanted = os.R_OK | os.X_OK if part.is_dir() else os.R_OK
        closed = access.closed(part, account, wanted=wanted, below=path)
        if closed is not None:
            raise HostError(
                f"--venv {quoted(given)}: {closed} is closed to the job's account",
                hint="open it for reading: chmod -R o+rX DIR",
            )


def _told(settings: dict[str, str]) -> Path | None:
    """The interpreter that a copy was made of, as the settings tell it."""
    number = ".".join((settings.get("version") or settings.get("version_info") or "").split(".")[:2])
    files = [settings.get("executable", "")]
    files += [f"{settings.get('home', '')}/python{each}" for each in (number, "3", "")]
    real = (Path(os.path.realpath(file)) for file in files if file.startswith("/"))
    return next((file for file in real if access.is_file(file)), None)


def _links(way: Path) -> list[tuple[str, str]]:
    """The symbolic links that the kernel follows on the way to a file, with their targets."""
    pending, reached = [*reversed(way.parts[1:])], Path("/")
    found: list[tuple[str, str]] = []
    while pending and len(found) < MOST_LINKS:
        name = pending.pop()
        if name == "..":
            reached = reached.parent
        elif (reached / name).is_symlink():
            target = str((reached / name).readlink())
            found.append((str(reached / name), target))
            reached = Path("/") if target.startswith("/") else reached
            pending += [part for part in reversed(target.split("/")) if part not in {"", "."}]
        else:
            reached /= name
    return found
