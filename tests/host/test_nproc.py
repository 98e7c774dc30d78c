from __future__ import annotations

import resource

import pytest

from sandbox_cli.host import nproc
from sandbox_cli.host.facts import kernel_version
from sandbox_cli.host.nproc import SINCE, Proof
from tests.accounts import AS_ROOT, Account

UID = 1900065535 if AS_ROOT else None
PROVE = (
    "from sandbox_cli.host.nproc import Proof; from sandbox_cli.host.facts import kernel_version; "
    "print(Proof(kernel_version(), None).holds())"
)


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nproc, "_proved", {})


def test_a_new_kernel_counts_the_tasks_of_a_namespace_alone() -> None:
    if kernel_version() < SINCE:
        pytest.skip("an old kernel")
    assert Proof(kernel_version(), UID).holds()


def test_an_old_kernel_is_not_even_tried() -> None:
    assert not Proof((5, 13), UID).holds()


def test_it_is_not_proved_where_the_limit_counts_all_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a namespace of its own the chain is what an old kernel makes of it: all tasks count."""

    def without_namespace(uid: int | None) -> list[list[str]]:
        return [[word for word in chain if word != "--user"] for chain in chains(uid)]

    chains = nproc._chains
    monkeypatch.setattr(nproc, "_chains", without_namespace)
    assert not Proof(kernel_version(), UID).holds()


def test_it_is_not_proved_where_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is never set is what a kernel makes of it that ignores it."""
    many = str(resource.RLIM_INFINITY).replace("-1", "unlimited")

    def without_limit(uid: int | None) -> list[list[str]]:
        return [[f"--nproc={many}" if "--nproc" in word else word for word in chain] for chain in chains(uid)]

    chains = nproc._chains
    monkeypatch.setattr(nproc, "_chains", without_limit)
    assert not Proof(kernel_version(), UID).holds()


def test_it_is_not_proved_without_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nproc, "TOOLS_PATH", "/nowhere")
    assert not Proof(kernel_version(), UID).holds()


def test_root_needs_another_account_for_it(as_root: Account) -> None:
    assert as_root.run([as_root.python, "-c", PROVE]).stdout == b"False\n"


def test_an_ordinary_user_proves_it_for_itself(as_user: Account) -> None:
    if kernel_version() < SINCE:
        pytest.skip("an old kernel")
    assert as_user.run([as_user.python, "-c", PROVE]).stdout == b"True\n"
