"""An attack finds what a jail allows beyond its policy, and what of its policy it doesn't: a jail made from one policy,
judged by another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox_cli import plan, policy, verify
from sandbox_cli.errors import HostError
from sandbox_cli.plan import assemble
from sandbox_cli.policy import config as configuration
from sandbox_cli.policy.model import Syscalls
from sandbox_cli.verify import FAILURES, attack, bounds, kernel
from sandbox_cli.verify.attempts import shows
from sandbox_cli.verify.calls import UNTRIED, Answer
from sandbox_cli.verify.filtering import Clause

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
        lacking = "connect to the host's ::1"  # not every host has one
        assert {each["verdict"] for each in found if each["name"] != lacking} == {"held", "works"}


def test_jail_that_allows_more_than_its_policy_lets_each_of_it_escape(
    decided: dict[str, tuple[Settled, Choice]],
) -> None:
    settled, choice = decided["less"]
    found = by_name(attack(made(decided["more"]), settled.effective, choice.host))
    escaped = {name for name, (verdict, _) in found.items() if verdict == "escaped"}
    assert {
        "change /srv/shown", "write to /srv/shown", "look at /srv/other", "follow the link /srv/link", "list /srv",
        "connect to the host's 127.0.0.1", "connect to an abstract socket of the host", "share the host's network",
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
    assert found["what bounds file_size of a process"] == ("broken", "1MiB")
    assert found["how large /tmp may get"] == ("broken", "1MiB")


def test_limit_that_nobody_holds_is_gone_beyond(decided: dict[str, tuple[Settled, Choice]]) -> None:
    """A jail with more room than its plan says is there; the seal was planned with it, and has nothing to say."""
    settled, choice = decided["less"]

    def roomy(limits: Mapping[str, str]) -> Plan:
        job: Any = {"command": ["true"], "policy": settled.effective.files[0], "backend": "bwrap", "limits": {**limits}}
        low = made(plan.decide(job, config=CONFIG))
        return {**made(decided["more"]), "limits": low["limits"], "rlimits": low["rlimits"]}

    found = bounds.attempts(settled.effective, choice.host.machine, roomy)
    verdicts = {each["clause"].removeprefix("limits."): each["verdict"] for each in found}
    escaped = {"scratch_size", "tmp_size"}
    assert {name for name, verdict in verdicts.items() if verdict == "escaped"} >= escaped
    assert {verdict for name, verdict in verdicts.items() if name in ("open_files", "file_size", "output")} == {"held"}


def test_no_jail_is_no_answer(decided: dict[str, tuple[Settled, Choice]]) -> None:
    settled, choice = decided["less"]
    none: Plan = {**made((settled, choice)), "argv": ["/bin/false"]}
    with pytest.raises(HostError):
        attack(none, settled.effective, choice.host)


@pytest.mark.parametrize(("result", "verdict"), [(-1, "untried"), (0, "escaped")])
def test_attempt_that_the_policys_own_filter_bars_says_nothing_unless_it_got_through(result: int, verdict: str) -> None:
    denying = policy.load("command").model_copy(update={"syscalls": Syscalls(deny=("statx",))})
    each = shows("filesystem", "look", (kernel.statx("/"),), "the host's", lambda _answer: ("another", "escaped"))
    assert verify._judged(each, Answer((result,)), UNTRIED, Clause.of(denying))["verdict"] == verdict
