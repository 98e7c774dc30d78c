"""Whatever names and sets hypothesis has a policy list, the filter answers in the jail as the list says."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as some

from sandbox_cli.policy.syscall_names import number
from sandbox_cli.policy.syscalls import DEFAULT_DENY, SETS
from tests.contract.conftest import PYTHON
from tests.contract.test_filter_is_the_policy import CALLS, called, known_names
from tests.contract.test_random_jails import few

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.conftest import Drivers

# What Python doesn't need to start and to ask, and what fails by itself, without EPERM, with arguments of -1.
TRIED = tuple(
    name
    for name in (
        "accept4", "capget", "chown", "copy_file_range", "fadvise64", "fallocate", "fchown",
        "fchownat",
        "fdatasync", "flock", "fsync", "ftruncate", "getitimer", "getpriority", "getsockname", "getxattr",
        "inotify_add_watch", "inotify_init1", "io_setup", "lchown", "link", "linkat", "listen", "listxattr", "mincore",
        "mkdirat", "mknod", "mknodat", "mq_open", "msgget", "msync", "pidfd_open", "pkey_free", "quotactl", "readahead",
        "recvmsg", "renameat2", "rmdir", "sched_get_priority_max", "sched_getparam", "sched_rr_get_interval",
        "sched_setaffinity", "semget", "sendfile", "sendmsg", "setpriority", "setxattr", "shmget", "shutdown",
        "signalfd4",
        "splice", "symlink", "symlinkat", "sync_file_range", "tee", "timer_delete", "timerfd_create", "times",
        "truncate",
        "utimensat", "vmsplice", "waitid",
    )
    if number(name, platform.machine()) is not None
)  # fmt: skip
# Of systemd's, those without which Python still starts and asks.
LISTED = (
    "@chown",
    "@keyring",
    "@mount",
    "@obsolete",
    "@pkey",
    "@raw-io",
    "@swap",
    "@timer",
    "@aio",
    "@clock",
    "@module",
)

NEVER = {"clone3", "unshare", "setns", "io_uring_setup"}  # no list may allow these, or not without the host's network


def answers(drivers: Drivers, who: str, backend: str, tree: Path, clause: dict[str, Any]) -> dict[str, str]:
    policy = tree / "policy.yaml"
    policy.write_text(json.dumps({"version": 1, "extends": "command", "syscalls": clause}))
    question = {"calls": [called(name) for name in TRIED], "apart": clause["action"] == "kill", "ordinary": False}
    job = {"command": [*PYTHON, CALLS, json.dumps(question)], "policy": str(policy), "backend": backend}
    outcome = drivers.of(who).run(job)
    assert outcome.get("status") == "ok", outcome.get("stderr") or outcome
    said: dict[str, str] = json.loads(outcome["stdout"])
    return said


@few
@given(
    names=some.lists(some.sampled_from(TRIED), max_size=30, unique=True),
    sets=some.lists(some.sampled_from(LISTED), max_size=2, unique=True),
    action=some.sampled_from(["errno", "errno", "kill", "log"]),
    denying=some.booleans(),
)
def test_an_odd_list_is_what_the_filter_answers(
    names: list[str], sets: list[str], action: str, denying: bool, backend: str, account: str, drivers: Drivers,
    shared_tmp: Path,
) -> None:  # fmt: skip
    denied = {*names, *(name for each in sets for name in SETS[each])}
    if denying:
        clause: dict[str, Any] = {"deny": [*names, *sets, *DEFAULT_DENY], "action": action}
        denied |= {*DEFAULT_DENY}
    else:
        clause = {"allow": sorted(known_names() - denied - NEVER), "action": action}
    wanted = "EPERM" if action == "errno" else "SIGSYS"
    found = answers(drivers, account, backend, shared_tmp, clause)
    refused = {name: answer for name, answer in found.items() if answer in {"EPERM", "SIGSYS"}}
    assert refused == (dict.fromkeys(denied & found.keys(), wanted) if action != "log" else {})
