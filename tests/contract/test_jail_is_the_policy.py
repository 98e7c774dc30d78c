"""What the jail really is equals the policy, in both directions: everything that it names, and nothing else."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import policy as policies
from sandbox_cli.policy import places
from tests.accounts import ROOT
from tests.contract.case import Case
from tests.contract.looking import differences, look
from tests.contract.odd_policies import ODD, Odd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox_cli.policy.model import Policy
    from tests.accounts import Account
    from tests.contract.conftest import Driver

SHIPPED = [path.stem for path in places.built_in()]
SECRETS = (
    "/etc/shadow", "/etc/fstab", "/etc/hostname", "/root", "/boot", "/sys", "/var/log", "/var/lib", "/run/sandbox",
    "/dev/kmsg", "/dev/mem", "/proc/kcore", "/proc/kmsg",
    *(f"/proc/1/{name}" for name in ("environ", "mem", "maps", "fd", "root", "cwd")),
)  # fmt: skip


@pytest.fixture(autouse=True)
def no_policies_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def sockets() -> Iterator[tuple[tuple[str, Any], ...]]:
    """Two that listen in the host's network, one of which needs no path."""
    with socket.create_server(("127.0.0.1", 0)) as inet, socket.socket(socket.AF_UNIX) as unix:
        unix.bind("")  # the kernel makes up an abstract name
        unix.listen()
        yield ("AF_INET", inet.getsockname()), ("AF_UNIX", unix.getsockname().decode())


@pytest.fixture
def case(
    backend: str, account: str, shared_tmp: Path, sockets: tuple[tuple[str, Any], ...], request: pytest.FixtureRequest
) -> Callable[[Policy], Case]:
    """The case of a policy: this backend and account, and what of the host must stay out of the job's reach."""
    who: Account = request.getfixturevalue(f"as_{account}")
    (shared_tmp / "secret").write_text("of the host")
    (shared_tmp / "secret").chmod(0o644)
    mine = (str(shared_tmp / "secret"), str(shared_tmp), who.home, str(ROOT / "README.md"))
    return lambda policy: Case(policy, backend, who, (*SECRETS, *mine), sockets)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_policy_is_what_the_jail_is(name: str, case: Callable[[Policy], Case], driver: Driver) -> None:
    this = case(policies.load(name))
    assert differences(this, look(this, driver, name)) == {}


@pytest.mark.parametrize("odd", ODD, ids=[odd.name for odd in ODD])
def test_an_odd_policy_is_what_the_jail_is(
    odd: Odd, case: Callable[[Policy], Case], driver: Driver, backend: str, shared_tmp: Path
) -> None:
    """Or it is refused, where firejail can't hold it: by the clauses that it can't, and no others."""
    path = odd.write(shared_tmp)
    this = case(policies.load(str(path)))
    if this.firejail and (clauses := odd.refused(shared_tmp)):
        plan = driver.plan({"command": ["true"], "policy": str(path), "backend": backend})
        assert plan.get("refused") == "RefusedError", plan
        assert {gap["clause"] for gap in plan["gaps"]} == clauses
        assert {gap["backend"] for gap in plan["gaps"]} == {"firejail"}
        return
    assert differences(this, look(this, driver, str(path))) == {}


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_folders_around_mounts_have_one_mode_in_the_root_and_in_a_tmpfs(
    backend: str, driver: Driver, shared_tmp: Path
) -> None:
    (shared_tmp / "p.yaml").write_text(
        "extends: command\n"
        "filesystem: {/srv/a/b: {from: /usr, mode: ro}, /opt: tmpfs, /opt/x/y: {from: /usr, mode: ro}}\n"
    )
    job = {"command": ["stat", "-c", "%a", "/srv", "/srv/a", "/opt/x"], "policy": str(shared_tmp / "p.yaml")}
    outcome = driver.run({**job, "backend": backend})
    assert outcome["stdout"].split() == [b"755"] * 3, outcome["stderr"]


@pytest.mark.parametrize("mode", ["ro", "rw"])
def test_a_folder_shown_as_etc_gets_no_files_that_a_jailer_needs_there(
    mode: str, backend: str, driver: Driver, shared_tmp: Path
) -> None:
    (shared_tmp / "etc").mkdir()
    (shared_tmp / "etc").chmod(0o777)
    (shared_tmp / "p.yaml").write_text(
        "extends: command\nfilesystem:\n  /etc/alternatives: null\n  /etc/ld.so.cache: null\n"
        f"  /etc: {{from: {shared_tmp}/etc, mode: {mode}}}\n"
    )
    outcome = driver.run({"command": ["ls", "/etc"], "policy": str(shared_tmp / "p.yaml"), "backend": backend})
    assert "no such file for it to stand on" in outcome["message"]
    assert list((shared_tmp / "etc").iterdir()) == []
