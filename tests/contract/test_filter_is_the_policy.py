"""What the filter answers in a jail is what the policy says: each denied call is made, and ordinary ones work."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox_cli.policy.syscall_names import architecture, libseccomp, number
from sandbox_cli.policy.syscalls import DEFAULT_DENY, LAUNCHER_NEEDS
from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

CALLS = Path(__file__).with_name("calls.py").read_text()
MACHINE = platform.machine()
HIGH_HALF = 0x5A5A_5A5A << 32  # garbage where the kernel doesn't look
SIGCHLD, X32 = 17, 0x4000_0000
NAMESPACES = {
    "ns": 1 << 17,
    "cgroup": 1 << 25,
    "uts": 1 << 26,
    "ipc": 1 << 27,
    "user": 1 << 28,
    "pid": 1 << 29,
    "net": 1 << 30,
}
TERMINALS = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}
BAD = [-1] * 6  # arguments that no call takes, should it be let through

# Not in the default list, and of no use to the probe.
EXTRA = ("times", "getpriority", "sched_get_priority_max", "sync")
# With BAD arguments these fail for another reason than that they are not permitted.
TOLD_APART = ("kcmp", "keyctl", "process_vm_readv", "sched_get_priority_max")

Call = list[Any]


def called(name: str, *arguments: int) -> Call:
    value = number(name, MACHINE)
    assert value is not None
    return [name, value, *(arguments or BAD)]


def known(names: tuple[str, ...]) -> list[Call]:
    return [called(name) for name in names if number(name, MACHINE) is not None]


def structural() -> list[Call]:
    """What is refused under every policy."""
    clone, ioctl = number("clone", MACHINE), number("ioctl", MACHINE)
    calls = [called("unshare", 0), called("setns", -1, 0)]
    for garbage in (0, HIGH_HALF):
        calls += [
            [f"clone {name} {garbage:x}", clone, flag | garbage | SIGCHLD, 0, 0, 0, 0]
            for name, flag in NAMESPACES.items()
        ]
        calls += [[f"{name} {garbage:x}", ioctl, 0, value | garbage, 0] for name, value in TERMINALS.items()]
    calls += [called("fchmod", -1, 0o4755), called("fchmodat2", -1, 0, 0o4755, 0)]
    if MACHINE == "x86_64":
        calls += [["x32", X32 + 39], ["32 bits", None]]
    return calls


def by_argument() -> list[Call]:
    """What the shipped list refuses of calls that programs need."""
    socket, pair = number("socket", MACHINE), number("socketpair", MACHINE)
    personality, ioctl, prctl = (number(name, MACHINE) for name in ("personality", "ioctl", "prctl"))
    sockets = {"vsock": (40, 1, 0), "packet": (17, 3, 3), "alg": (38, 5, 0), "uevents": (16, 2, 15), "raw": (2, 3, 1)}
    sockets |= {"sctp": (2, 1, 132), "old packet": (2, 10, 3), "can": (29, 3, 1), "nothing": (0, 1, 0)}
    calls = [
        [f"{name} {high:x}", socket, *(each | high for each in what)]
        for name, what in sockets.items()
        for high in (0, HIGH_HALF)
    ]
    return [
        *calls,
        ["pair", pair, 40, 1, 0, 0],
        *([f"personality {high:x}", personality, 0x40000 | high] for high in (0, HIGH_HALF)),
        ["line discipline", ioctl, 0, 0x5423, 0],
        ["memory map", prctl, 35, 1, 0, 0, 0],
    ]


def spared() -> list[Call]:
    """And what it doesn't."""
    socket, personality = number("socket", MACHINE), number("personality", MACHINE)
    sockets = {"unix": (1, 5, 0), "tcp": (2, 1, 6), "udp": (10, 2 | 0o2000000, 0), "routes": (16, 3, 0)}
    calls = [[name, socket, *what] for name, what in sockets.items()]
    return [*calls, ["question", personality, 0xFFFFFFFF]]


def of_the_core_limit() -> list[Call]:
    """A limit at address 8 would be EFAULT: it must not come so far."""
    prlimit = number("prlimit64", MACHINE)
    calls = [[f"prlimit {at:x}", prlimit, 0, 4, at, 0] for at in (8, 1 << 32)]
    return [*calls, ["setrlimit", number("setrlimit", MACHINE), 4, 8]]


def asked(
    driver: Driver,
    backend: str,
    tree: Path,
    syscalls: dict[str, Any],
    calls: list[Call],
    *,
    apart: bool = False,
    network: str = "none",
) -> Any:
    """How the calls are answered under this clause `syscalls`."""
    path = tree / "policy.yaml"
    path.write_text(json.dumps({"version": 1, "extends": "command", "network": network, "syscalls": syscalls}))
    question = json.dumps({"calls": calls, "apart": apart})
    outcome = driver.run({"command": [*PYTHON, CALLS, question], "policy": str(path), "backend": backend})
    assert outcome.get("status") == "ok", outcome.get("stderr") or outcome
    return json.loads(outcome["stdout"])


def all_are(answers: dict[str, str], answer: str) -> None:
    assert {label: found for label, found in answers.items() if found != answer} == {}


def test_the_shipped_list_is_refused_with_an_error(backend: str, driver: Driver, shared_tmp: Path) -> None:
    calls = [*known(DEFAULT_DENY), *structural(), *by_argument()]
    assert len(calls) > 120
    answers = asked(driver, backend, shared_tmp, {}, [*calls, called("clone3", 0, 0), *known(EXTRA)])
    assert answers.pop("clone3") == "ENOSYS"
    for name in EXTRA:
        assert answers.pop(name) != "EPERM"
    all_are(answers, "EPERM")


def test_what_it_spares_works_and_the_core_limit_can_be_asked_for_but_not_set(
    backend: str, driver: Driver, shared_tmp: Path
) -> None:
    asks = ["asks", number("prlimit64", MACHINE), 0, 4, 0, 0]
    answers = asked(driver, backend, shared_tmp, {}, [*spared(), asks, *of_the_core_limit(), ["newer", 600]])
    for call in (*of_the_core_limit(), ["newer"]):
        assert answers.pop(call[0]) == "ENOSYS"
    all_are(answers, "ok")


def test_without_a_list_vsock_and_the_core_limit_are_closed_all_the_same(
    backend: str, driver: Driver, shared_tmp: Path
) -> None:
    vsock = [["vsock", number("socket", MACHINE), 40 | HIGH_HALF, 1, 0], called("io_uring_setup")]
    answers = asked(driver, backend, shared_tmp, {"deny": []}, [*vsock, *of_the_core_limit()])
    assert [answers[call[0]] for call in vsock] == ["EPERM", "EPERM"]
    assert {answers[call[0]] for call in of_the_core_limit()} == {"ENOSYS"}
    with_the_hosts = asked(driver, backend, shared_tmp, {"deny": []}, vsock, network="host")
    assert with_the_hosts["vsock"] in {"ok", "EAFNOSUPPORT"}


RULES = [
    {"syscall": "personality", "arg": 0, "value": "0x40000", "action": "allow"},
    {"syscall": "socket", "arg": 0, "value": 16, "action": "kill"},
    {"syscall": "getppid", "action": "errno"},
    {"syscall": "kcmp", "action": "allow"},
    {"syscall": "kcmp", "action": "kill"},
]


def test_a_policys_rules_are_asked_before_its_list(backend: str, driver: Driver, shared_tmp: Path) -> None:
    personality, socket = number("personality", MACHINE), number("socket", MACHINE)
    calls = [["spared", personality, 0x40000], ["not", personality, 0x40001], called("getppid"), called("kcmp")]
    calls += [["netlink", socket, 16 | HIGH_HALF, 3, 0], ["unix", socket, 1, 1, 0], ["vsock", socket, 40, 1, 0]]
    answers = asked(driver, backend, shared_tmp, {"rules": RULES}, calls, apart=True)
    assert answers.pop("kcmp") not in {"EPERM", "SIGSYS"}
    assert answers == {
        "spared": "ok", "not": "EPERM", "getppid": "EPERM", "netlink": "SIGSYS", "unix": "ok", "vsock": "EPERM",
    }  # fmt: skip


def test_a_program_that_a_rule_killed_has_the_rules_to_blame(backend: str, driver: Driver, shared_tmp: Path) -> None:
    path = shared_tmp / "policy.yaml"
    path.write_text("extends: command\nsyscalls:\n  rules: [{syscall: getppid, action: kill}]\n")
    outcome = driver.run({"command": [*PYTHON, "import os; os.getppid()"], "policy": str(path), "backend": backend})
    assert (outcome["status"], outcome["signal"]) == ("syscall-denied", "SIGSYS")
    assert outcome["cause"] == "syscalls.rules: killed at a denied system call"
    assert outcome["blame"] == {"clause": "syscalls.rules", "source": "file", "file": str(path), "line": 3}


def test_a_policys_own_calls_are_refused_too(backend: str, driver: Driver, shared_tmp: Path) -> None:
    all_are(asked(driver, backend, shared_tmp, {"+deny": list(EXTRA)}, known((*DEFAULT_DENY, *EXTRA))), "EPERM")


def test_kill_ends_whoever_makes_a_denied_call(backend: str, driver: Driver, shared_tmp: Path) -> None:
    """No kernel answers a call with SIGSYS by itself: it is the filter that knows each of them."""
    calls = [*known((*DEFAULT_DENY, *EXTRA)), *structural(), *by_argument()]
    clause = {"+deny": list(EXTRA), "action": "kill"}
    answers = asked(
        driver, backend, shared_tmp, clause, [*calls, called("clone3", 0, 0), called("getppid")], apart=True
    )
    assert (answers.pop("clone3"), answers.pop("getppid")) == ("ENOSYS", "ok")
    all_are(answers, "SIGSYS")


def test_log_lets_through_all_but_what_no_policy_allows(backend: str, driver: Driver, shared_tmp: Path) -> None:
    calls = [*known(TOLD_APART), *structural()]
    answers = asked(driver, backend, shared_tmp, {"+deny": ["sched_get_priority_max"], "action": "log"}, calls)
    assert {answers.pop(name) for name in TOLD_APART} & {"EPERM"} == set()
    all_are(answers, "EPERM")


def test_a_list_of_what_is_allowed_refuses_the_rest(backend: str, driver: Driver, shared_tmp: Path) -> None:
    allowed = known_names() - {"clone3", "unshare", "setns", "io_uring_setup", *EXTRA}
    assert {*TOLD_APART, *LAUNCHER_NEEDS} - {*EXTRA} < allowed
    told_apart = [name for name in TOLD_APART if name not in EXTRA]
    calls = [*known(EXTRA), *known(tuple(told_apart)), *structural()]
    answers = asked(driver, backend, shared_tmp, {"allow": sorted(allowed)}, calls)
    assert {answers.pop(name) for name in told_apart} & {"EPERM"} == set()
    all_are(answers, "EPERM")


def known_names() -> set[str]:
    """Every call that libseccomp knows here."""
    names = {libseccomp().resolve_syscall(architecture(MACHINE), value) for value in range(440) if _exists(value)}
    return {name.decode() for name in names}


def _exists(value: int) -> bool:
    try:
        libseccomp().resolve_syscall(architecture(MACHINE), value)
    except ValueError:
        return False
    return True
