"""A launcher that belongs to the job's own account, as one of a user's virtual environment does: no job may change it.

Through its file on the host a job would run code there, with the next job (as CVE-2019-5736 did to runc).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.accounts import Account
    from tests.contract.conftest import Drivers

# May the file of its parent, or of PID 1, be changed?
CHANGE = b"""\
#!/usr/bin/python3
import os
for pid in os.getppid(), 1:
    try:
        fd = os.open(f"/proc/{pid}/exe", os.O_RDONLY)
        os.fchmod(fd, 0o777)
        found = f"changed {os.readlink(f'/proc/self/fd/{fd}')}"
        break
    except OSError as error:
        found = error.strerror
print(found)
"""
# The kernel puts `enter -c 3 -w 3 -- ./change` together from the names of four scripts, and runs it with the file that
# the process is at that moment: the launcher.
AS_LAUNCHER = [
    (b"main", b"#!-- ./change\n", 0o755),
    (b"--", b"#!-w 3\n", 0o755),
    (b"-w", b"#!-c 3\n", 0o755),
    (b"-c", b"#!/proc/self/exe enter\n", 0o755),
    (b"change", CHANGE, 0o755),
]


@pytest.fixture
def own_launcher(shared_tmp: Path, launcher: Path, as_user: Account) -> Path:
    copy = Path(shutil.copy(launcher, shared_tmp / "launcher"))
    os.chown(copy, as_user.uid, as_user.gid)
    copy.chmod(0o755)
    return copy


@pytest.mark.parametrize("first", ["main", "change"])
def test_job_can_not_change_the_launcher(first: str, own_launcher: Path, backend: str, drivers: Drivers) -> None:
    content = own_launcher.read_bytes()
    question = {
        "job": {"command": [f"./{first}"], "backend": backend},
        "work": {"inputs": AS_LAUNCHER},
        "launcher": str(own_launcher),
    }
    outcome = drivers.of("user").ask(question)
    assert (outcome["status"], outcome["stdout"]) == ("ok", b"Permission denied\n"), outcome
    assert (own_launcher.stat().st_mode & 0o777, own_launcher.read_bytes()) == (0o755, content)


def test_what_changes_the_launcher_changes_a_program_that_can_be_had(shared_tmp: Path, as_user: Account) -> None:
    shell = Path(shutil.copy("/bin/sh", shared_tmp / "shell"))
    os.chown(shell, as_user.uid, as_user.gid)
    (shared_tmp / "change").write_bytes(CHANGE)
    done = as_user.run([str(shell), "-c", f"python3 {shared_tmp / 'change'}; true"])
    assert done.stdout.startswith(b"changed "), done
    assert done.stdout.decode().split()[1] == str(shell)
    assert shell.stat().st_mode & 0o777 == 0o777
