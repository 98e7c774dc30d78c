"""A jailer that was taken over: with `-C` root's jobs have the account of the directory's owner, who is on the host.

He can trace the jailer and the launcher, since they are his, and speak in their place.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Account
    from tests.contract.conftest import Drivers

# In the jailer's place: gives a directory of the host away as the job's scratch.
JAILER = """
import os, socket, sys
control = socket.socket(fileno=os.dup(3))
control.send(b"ready\\n")
control.recv(65536)
socket.send_fds(control, [b"dir\\n"], [os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)])
control.send(b"armed\\n")
control.recv(1)
control.send(b"started\\nexit 0\\ntotal 0 0 0\\n")
"""


@pytest.fixture
def roots_own(session_directory: Path) -> Path:
    """A directory of root's, which everybody may read."""
    path = session_directory / "roots-own"
    path.mkdir(exist_ok=True)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("account", ["root"], indirect=True)
def test_root_puts_nothing_into_a_directory_that_a_jailer_passes_for_scratch(
    account: str, drivers: Drivers, as_user: Account, roots_own: Path, shared_tmp: Path, backend: str
) -> None:
    os.chown(shared_tmp, as_user.uid, as_user.gid)
    job = {"command": ["/bin/true"], "workspace": str(shared_tmp), "backend": backend}
    plan = drivers.of(account).plan(job)
    work = {"inputs": [(b"planted", b"by root", 0o644)]}
    honest = drivers.of(account).run(plan=plan, work=work)
    assert honest["status"] == "ok", honest
    plan = {**plan, "argv": ["/usr/bin/python3", "-c", JAILER, str(roots_own)]}
    outcome = drivers.of(account).run(plan=plan, work=work)
    assert outcome["cause"] == "the jail's directory is not the job's", outcome
    assert os.listdir(roots_own) == []
    assert roots_own.stat().st_mode & 0o777 == 0o755
