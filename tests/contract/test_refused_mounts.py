"""Mounts that a jailer can't make: refused there with their clause, by the names of docs/backends.md."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.contract.differences import firejail, listed

if TYPE_CHECKING:
    from tests.accounts import Account
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


@listed("inner-mounts")
def test_what_is_mounted_below_a_shown_folder_has_flags_of_its_own_in_nsjail(
    backend: str, account: str, shared_tmp: Path, request: pytest.FixtureRequest
) -> None:
    """In a mount namespace of the test's own, in which the host has something mounted there."""
    if account != "root":
        pytest.skip("only root can mount")
    (shared_tmp / "outer" / "inner").mkdir(parents=True)
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{shared_tmp}/outer: ro}}\n")
    who: Account = request.getfixturevalue("as_root")
    words = [who.python, "-m", "sandbox_cli", "exec", "-p", f"{shared_tmp}/policy.yaml", "-b", backend]
    script = f'mount -t tmpfs inner {shared_tmp}/outer/inner && exec "$@"'
    done = who.run(["unshare", "-m", "sh", "-c", script, "sh", *words, "--", "cat", "/proc/self/mountinfo"])
    lines = [line.split(" ") for line in done.stdout.decode().splitlines()]
    flags = [set(line[5].split(",")) for line in lines if line[4] == f"{shared_tmp}/outer/inner"][-1]
    assert "ro" in flags
    assert ({"nosuid", "nodev"} <= flags) is (backend == "bwrap")


LATER = """
mount --make-rshared /
"$@" >{0}/said 2>&1 &
until grep -q ready {0}/said; do sleep 0.02; done
mount -t tmpfs -o mode=0777 later {0}/outer/late
wait
"""
WRITES = """
echo ready
for i in $(seq 30); do
    touch {0}/outer/late/written && exec echo written
    sleep 0.05
done 2>/dev/null
echo not written
"""


@listed("later-mounts")
def test_what_the_host_mounts_later_appears_in_a_users_jail_of_bwrap_and_firejail(
    backend: str, account: str, shared_tmp: Path, request: pytest.FixtureRequest
) -> None:
    """In a mount namespace of the test's own, which shares its mounts as systemd has it."""
    who: Account = request.getfixturevalue(f"as_{account}")
    if os.getuid() != 0:
        pytest.skip("only root can mount")
    (shared_tmp / "outer" / "late").mkdir(parents=True)
    (shared_tmp / "policy.yaml").write_text(f"extends: command\nfilesystem: {{{shared_tmp}/outer: ro}}\n")
    words = [who.python, "-m", "sandbox_cli", "exec", "-p", f"{shared_tmp}/policy.yaml", "-b", backend]
    words += ["--", "sh", "-c", WRITES.format(shared_tmp)]
    become = ["setpriv", f"--reuid={who.uid}", f"--regid={who.gid}", "--init-groups"] if account == "user" else []
    root: Account = request.getfixturevalue("as_root")
    script = ["unshare", "-m", "sh", "-c", LATER.format(shared_tmp), "sh", *become, *words]
    root.run(script, env=who.environment)
    said = (shared_tmp / "said").read_text().split("\n")
    cut_off = backend == "nsjail" or account == "root"
    assert said[:2] == ["ready", "not written" if cut_off else "written"]
