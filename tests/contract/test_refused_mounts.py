"""Mounts that a jailer can't make: refused there with their clause, by the names of docs/backends.md."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.differences import firejail, listed

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

MOUNTS = {
    "mount-elsewhere": "/data: {from: /usr/share}",
    "mount-symlink": "/usr-link: {symlink: usr}",
    "mount-tmpfs": "/var/tmp: tmpfs",
    "mount-parts": "/run: ro",
    "mount-writable": "/usr: rw",
    "mount-owner": "/var/lib: ro\n  /var/lib/dpkg: rw",
    "mount-characters": "/etc/{name}: ro",
    "mounted-link": "/etc/{name}: ro",
}


@listed(*MOUNTS)
@pytest.mark.parametrize("name", list(MOUNTS))
def test_a_mount_that_firejail_can_not_make_is_refused_there_and_made_elsewhere(
    name: str, backend: str, driver: Driver, shared_tmp: Path
) -> None:
    odd = Path("/etc/sandbox tests, odd & [1]") if name == "mount-characters" else Path("/etc/sandbox-tests-link")
    policy = shared_tmp / "policy.yaml"
    mount = MOUNTS[name].replace("/etc/{name}", f'"{odd}"')
    policy.write_text(textwrap.dedent(f"extends: command\nfilesystem:\n  {mount}\n"))
    made = "{name}" in MOUNTS[name]
    if made and driver.uid != 0:
        pytest.skip("only root can put a name into /etc")
    try:
        if name == "mount-characters":
            odd.write_text("odd")
        elif made:
            odd.symlink_to("/var/lib/dpkg/status")
        outcome = driver.run({"command": ["true"], "backend": backend, "policy": str(policy)})
    finally:
        if made:
            odd.unlink()
    if firejail(backend):
        assert outcome.get("refused") == "RefusedError", outcome
        assert [gap["clause"].split("/")[0] for gap in outcome["gaps"]] == ["filesystem."]
    else:
        assert outcome.get("status") == "ok", outcome


NOEXEC = {"/usr/local": "noexec", "/tmp": "noexec-tmp"}


@listed(*NOEXEC.values())
@pytest.mark.parametrize("path", list(NOEXEC))
def test_a_mount_without_execution_is_refused_where_it_can_not_be_held(
    path: str, backend: str, driver: Driver, shared_tmp: Path
) -> None:
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{path}: {{noexec: true}}}}\n")
    outcome = driver.run({"command": ["true"], "backend": backend, "policy": str(shared_tmp / "policy.yaml")})
    if backend == "bwrap" or (firejail(backend) and path == "/tmp"):
        assert [gap["clause"] for gap in outcome["gaps"]] == [f"filesystem.{path}"]
    else:
        assert outcome.get("status") == "ok", outcome
