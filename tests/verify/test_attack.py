"""An attack finds what a jail allows beyond its policy, and what of its policy it doesn't: a jail made from one policy,
judged by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import plan
from sandbox_cli.errors import HostError
from sandbox_cli.plan import assemble
from sandbox_cli.policy import config as configuration
from sandbox_cli.verify import FAILURES, attack, bounds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox_cli.plan.choose import Choice
    from sandbox_cli.plan.model import Plan
    from sandbox_cli.plan.settle import Settled
    from sandbox_cli.verify import Attempt

CONFIG = configuration.Config()
LESS = """
extends: command
filesystem:
  /srv/shown: {from: FOLDER/shown, mode: ro}
  /srv/other: {from: FOLDER/shown, mode: ro}
  /srv/link: {symlink: usr}
network: none
syscalls: {deny: ["@default-deny", sched_yield, getcpu]}
environment: {A: less}
limits: {open_files: 128, file_size: 1MiB, tmp_size: 1MiB}
"""
MORE = """
extends: command
filesystem:
  /srv/shown: {from: FOLDER/shown, mode: rw}
  /srv/other: {from: FOLDER/another, mode: ro}
  /srv/link: {symlink: usr/bin}
  /srv/beside: tmpfs
network: host
syscalls: {deny: ["@default-deny", sched_yield], action: kill}
environment: {A: more, B: also}
limits: {open_files: 256, file_size: 2MiB, tmp_size: 2MiB}
"""

pytestmark = pytest.mark.usefixtures("launcher")


@pytest.fixture
def decided(shared_tmp: Path, needs: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Settled, Choice]]:
    needs("bwrap")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(shared_tmp))
    found: dict[str, tuple[Settled, Choice]] = {}
    for name in ("shown", "another"):
        (shared_tmp / name).mkdir(mode=0o777)
        (shared_tmp / name).chmod(0o777)
    for name, text in (("less", LESS), ("more", MORE)):
        path = shared_tmp / f"{name}.yaml"
        path.write_text(text.replace("FOLDER", str(shared_tmp)))
        job: Any = {"command": ["true"], "policy": str(path), "backend": "bwrap"}
        found[name] = plan.decide(job, config=CONFIG)
    return found


def made(decided: tuple[Settled, Choice]) -> Plan:
    return assemble.plan(*decided, CONFIG.uid_range)


def by_name(attempts: list[Attempt]) -> dict[str, tuple[str, str]]:
    """What failed, and how; each attempt has a name of its own."""
    assert len({(each["clause"], each["name"]) for each in attempts}) == len(attempts)
    return {each["name"]: (each["verdict"], each["observed"]) for each in attempts if each["verdict"] in FAILURES}


def test_jail_that_is_what_its_policy_says_has_no_failures(decided: dict[str, tuple[Settled, Choice]]) -> None:
    for settled, choice in decided.values():
        found = attack(made((settled, choice)), settled.effective, choice.host)
        assert by_name(found) == {}
        assert {each["verdict"] for each in found} == {"held", "works"}


def test_jail_that_allows_more_than_its_policy_lets_each_of_it_escape(
    decided: dict[str, tuple[Settled, Choice]],
) -> None:
    settled, choice = decided["less"]
    found = by_name(attack(made(decided["more"]), settled.effective, choice.host))
    escaped = {name for name, (verdict, _) in found.items() if verdict == "escaped"}
    assert {
        "change /srv/shown", "write to /srv/shown", "look at /srv/other", "follow the link /srv/link", "list /srv",
        "connect to the host's 127.0.0.1", "connect to an abstract socket of the host", "be among the host's network",
        "getcpu", "sched_yield", "ptrace", "read the environment", "what bounds open_files of a process",
        "what bounds file_size of a process", "how large /tmp may get", "how large /dev/shm may get",
    } <= escaped  # fmt: skip
    assert found["getcpu"] == ("escaped", "EFAULT")
    assert found["sched_yield"] == ("escaped", "SIGSYS")  # it ends a program that is only to be refused
    assert found["list /srv"] == ("escaped", "also beside")


def test_jail_that_allows_less_than_its_policy_has_each_of_it_broken(
    decided: dict[str, tuple[Settled, Choice]],
) -> None:
    settled, choice = decided["more"]
    found = by_name(attack(made(decided["less"]), settled.effective, choice.host))
    broken = {name for name, (verdict, _) in found.items() if verdict == "broken"}
    assert {
        "write to /srv/shown", "list /srv", "write to /srv/beside", "connect to the host's 127.0.0.1", "getcpu",
        "what bounds open_files of a process", "what bounds file_size of a process", "how large /tmp may get",
    } <= broken  # fmt: skip
    assert found["getcpu"] == ("broken", "EPERM (without a jail: EFAULT)")
    assert found["list /srv"] == ("broken", "no beside")


def test_limit_that_nobody_holds_is_gone_beyond(decided: dict[str, tuple[Settled, Choice]]) -> None:
    """The plan still says who should: without its rlimits, and without the sizes of its tmpfs."""
    settled, choice = decided["less"]

    def weak(limits: Mapping[str, str]) -> Plan:
        job: Any = {"command": ["true"], "policy": settled.effective.files[0], "backend": "bwrap", "limits": {**limits}}
        whole = made(plan.decide(job, config=CONFIG))
        sizes = {at + offset for at, word in enumerate(whole["argv"]) if word == "--size" for offset in (0, 1)}
        return {**whole, "rlimits": [], "argv": [word for at, word in enumerate(whole["argv"]) if at not in sizes]}

    found = bounds.attempts(settled.effective, choice.host.machine, weak)
    verdicts = {each["clause"].removeprefix("limits."): each["verdict"] for each in found}
    assert {name for name, verdict in verdicts.items() if verdict == "escaped"} >= {
        "open_files", "file_size", "tmp_size",
    }  # fmt: skip


def test_no_jail_is_no_answer(decided: dict[str, tuple[Settled, Choice]]) -> None:
    settled, choice = decided["less"]
    none: Plan = {**made((settled, choice)), "argv": ["/bin/false"]}
    with pytest.raises(HostError):
        attack(none, settled.effective, choice.host)
