"""What a jailer forces to be different, as docs/backends.md lists it: nothing else differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

SH = ["/bin/sh", "-c"]

WRITE_HIDDEN = """
import os, time
f = os.memfd_create("m")
for i in range(200): os.write(f, bytes(1 << 20))
time.sleep(20)
"""

SIGNAL_INIT = """
import ctypes, os
libc = ctypes.CDLL(None)
print(libc.syscall(424, libc.syscall(434, os.getppid(), 0), 9, 0, 0), flush=True)
import time; time.sleep(.2)
raise SystemExit(5)
"""


def firejail(backend: str) -> bool:
    return backend == "firejail"


def receipt(outcome: dict[str, Any], clause: str) -> tuple[str, str | None]:
    """Level and enforcer of a clause."""
    line = next(each for each in outcome["receipt"]["clauses"] if each["clause"] == clause)
    return line["level"], line["enforced_by"]


def test_scratch_is_at_slash_sandbox_but_for_firejail(backend: str, driver: Driver) -> None:
    outcome = driver.run({"command": [*SH, 'pwd; echo "$HOME"'], "backend": backend})
    here, home = outcome["stdout"].decode().splitlines()
    assert here == home
    assert here.startswith("/tmp/sandbox-") if firejail(backend) else here == "/sandbox"


def test_accounts_are_made_up_but_for_firejail(backend: str, driver: Driver) -> None:
    outcome = driver.run({"command": ["id", "-un"], "backend": backend})
    assert (outcome["stdout"] == b"sandbox\n") is not firejail(backend)


def test_root_gives_each_job_an_account_of_its_own_but_for_firejail(backend: str, driver: Driver, account: str) -> None:
    jobs = [driver.run({"command": ["id", "-u"], "backend": backend})["stdout"] for _ in range(3)]
    assert b"0\n" not in jobs
    own = account == "root" and not firejail(backend)
    assert (min(int(each) for each in jobs) >= 1_900_000_000) is own


def test_top_level_names_of_the_host_are_listed_by_firejail_alone(backend: str, driver: Driver) -> None:
    outcome = driver.run({"command": [*SH, "ls -d /home /root; ls /home /root | wc -l"], "backend": backend})
    assert outcome["stdout"].startswith(b"/home\n/root\n") is firejail(backend)
    if firejail(backend):
        assert outcome["stdout"].splitlines()[-1] == b"0"


def test_a_full_scratch_is_an_error_to_the_job_where_it_is_strict_and_a_limit_where_it_is_sampled(
    backend: str, account: str, driver: Driver
) -> None:
    fill = [*SH, "dd if=/dev/zero of=big bs=64k count=64 status=none 2>/dev/null; sleep 0.5; echo ended"]
    outcome = driver.run({"command": fill, "backend": backend, "limits": {"scratch_size": "1MiB"}})
    assert outcome["limit_hits"] == {"scratch_size": 1}
    if backend == "firejail" and account == "user":
        assert (outcome["status"], outcome["blame"]["clause"]) == ("scratch-limit", "limits.scratch_size")
        assert receipt(outcome, "limits.scratch_size") == ("sampled", "sampler")
    else:
        assert (outcome["status"], outcome["stdout"]) == ("ok", b"ended\n")
        assert receipt(outcome, "limits.scratch_size") == ("strict", "mount")


def test_too_many_files_are_an_error_where_they_are_strict_and_a_limit_where_they_are_sampled(
    backend: str, account: str, driver: Driver
) -> None:
    make = [*PYTHON, "import time\nfor i in range(300): open(str(i), 'w').close()\ntime.sleep(5)"]
    outcome = driver.run({"command": make, "backend": backend, "limits": {"scratch_files": "100"}}, {"collect": "none"})
    if account == "root" or backend == "nsjail":
        assert outcome["status"] == "nonzero-exit"
        assert b"No space left on device" in outcome["stderr"]
        assert receipt(outcome, "limits.scratch_files") == ("strict", "mount")
    else:
        assert (outcome["status"], outcome["blame"]["clause"]) == ("scratch-limit", "limits.scratch_files")
        assert receipt(outcome, "limits.scratch_files") == ("sampled", "sampler")


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_temporary_files_are_bounded_but_by_firejail(folder: str, backend: str, driver: Driver) -> None:
    fill = [*SH, f"dd if=/dev/zero of={folder}/big bs=64k count=64 status=none"]
    outcome = driver.run({"command": fill, "backend": backend, "limits": {"tmp_size": "1MiB"}})
    assert (outcome["status"] == "ok") is firejail(backend)
    level = "none" if firejail(backend) else "strict"
    assert receipt(outcome, "limits.tmp_size")[0] == level


def test_memory_in_a_file_without_a_name_is_seen_but_in_a_set_uid_jail_of_an_ordinary_user(
    backend: str, account: str, driver: Driver
) -> None:
    limits = {"memory": "64MiB", "file_size": "1GiB", "wall_time": "1500ms"}
    outcome = driver.run({"command": [*PYTHON, WRITE_HIDDEN], "backend": backend, "limits": limits})
    hidden = backend == "firejail" and account == "user"
    assert outcome["status"] == ("wall-time-limit" if hidden else "memory-limit")


def test_the_launcher_is_out_of_reach_but_for_a_pidfd_below_firejail(backend: str, driver: Driver) -> None:
    outcome = driver.run({"command": [*PYTHON, SIGNAL_INIT], "backend": backend})
    if firejail(backend):
        assert (outcome["status"], outcome["signal"]) == ("signalled", "SIGKILL")
    else:
        assert (outcome["status"], outcome["exit_code"]) == ("nonzero-exit", 5)


def test_every_namespace_but_time_is_new_and_cgroup_not_by_firejail(backend: str, driver: Driver) -> None:
    names = "user pid mnt net ipc uts cgroup time"
    outcome = driver.run(
        {"command": [*SH, f"cd /proc/self/ns; for n in {names}; do readlink $n; done"], "backend": backend}
    )
    inside = dict(line.split(":") for line in outcome["stdout"].decode().splitlines())
    from pathlib import Path

    outside = {name: str(Path(f"/proc/self/ns/{name}").readlink()).split(":")[1] for name in names.split()}
    shared = {name for name in outside if inside[{"mnt": "mnt"}.get(name, name)] == outside[name]}
    assert shared == ({"time", "cgroup"} if firejail(backend) else {"time"})
