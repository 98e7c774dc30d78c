"""A jailer that was taken over: with `-C` root's jobs have the account of the directory's owner, who is on the host.

He can trace the jailer and the launcher, since they are his, and speak in their place.
"""

from __future__ import annotations

import ast
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


# What he mounts in scratch afterwards: a folder and a file of root's. In a mount namespace of this test.
MOUNTS = """
import os, subprocess, sys
from sandbox_cli.run import inputs, tree
scratch, roots_own = sys.argv[1:]
os.mkdir(f"{scratch}/folder")
for name in "folder/file", "file":
    open(f"{scratch}/{name}", "w").close()
top = os.open(scratch, os.O_RDONLY)

def look():
    seen = sorted(path.decode() for path, looks in tree.walk(top, opening=True) if looks is not None)
    return seen, [attempt(lambda: tree.open_file(top, b"file", opening=True)),
                  attempt(lambda: inputs.make_folders(top, b"folder", (1, 1)))]

def attempt(what):
    try:
        os.close(what())
        return "opened"
    except OSError as error:
        return error.strerror

print(look())
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", roots_own], check=True)
open(f"{roots_own}/secret", "w").close()
subprocess.run(["mount", "--bind", roots_own, f"{scratch}/folder"], check=True)
subprocess.run(["mount", "--bind", f"{roots_own}/secret", f"{scratch}/file"], check=True)
print(look())
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


def test_root_looks_at_nothing_that_is_mounted_in_scratch(as_root: Account, roots_own: Path, shared_tmp: Path) -> None:
    words = ["unshare", "--mount", as_root.python, "-c", MOUNTS, str(shared_tmp), str(roots_own)]
    done = as_root.run(words)
    before, after = (ast.literal_eval(line) for line in done.stdout.decode().splitlines())
    assert before == (["file", "folder", "folder/file"], ["opened", "opened"]), done
    assert after == (["file", "folder"], ["it is mounted there", "something is mounted there"])
