"""A directory to work in is judged by where it is, whatever its name goes through (CVE-2024-21626: WORKDIR)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Drivers

PWD = ["/bin/sh", "-c", "pwd; readlink /proc/self/cwd"]


@pytest.mark.parametrize(
    "path", ["/proc/self/cwd", "/proc/self/root/etc", "/dev/fd/../root", "/proc/thread-self/cwd/usr"]
)
def test_system_directory_by_way_of_proc_is_refused(path: str, drivers: Drivers) -> None:
    """The driver works in `/`."""
    answer = drivers.of("user").plan({"command": PWD, "workspace": path, "backend": "bwrap"})
    assert "is the system's own" in answer["message"]


def test_directory_by_way_of_proc_is_the_directory(backend: str, drivers: Drivers, shared_tmp: Path) -> None:
    shared_tmp.chmod(0o777)
    job = {"command": PWD, "workspace": f"/proc/self/root/dev/fd/../cwd{shared_tmp}", "backend": backend}
    outcome = drivers.of("user").run(job)
    assert outcome["stdout"].decode().splitlines() == [str(shared_tmp)] * 2, outcome
