"""What surrounds a job: nothing of the host's processes, devices, memory, names or sockets, on any jailer."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PYTHON
from tests.contract.surroundings import CLOSED, NEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.conftest import Driver

AROUND = Path(__file__).with_name("around.py").read_text()
DEVICES = {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9", "tty": "5:0"}
OTHERS = {"pts": "folder", "shm": "folder", "fd": "link", "stdin": "link", "stdout": "link", "stderr": "link"}
IPC_PRIVATE, READABLE_BY_ALL, IPC_RMID = 0, 0o666, 0
SEEN: dict[tuple[str, str], dict[str, Any]] = {}


@pytest.fixture(scope="module")
def segment() -> Iterator[int]:
    """Shared memory of the host that everybody may read."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = libc.shmget(IPC_PRIVATE, 4096, READABLE_BY_ALL)
    assert number >= 0
    yield number
    libc.shmctl(number, IPC_RMID, None)


@pytest.fixture(scope="module")
def listener() -> Iterator[str]:
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("")
        unix.listen()
        yield unix.getsockname()[1:].decode()


@pytest.fixture
def seen(backend: str, account: str, driver: Driver, segment: int, listener: str) -> dict[str, Any]:
    """What one job of this backend and account saw: all tests ask about the same."""
    if (backend, account) not in SEEN:
        reads = [*(f"/proc/{name}" for name in (*CLOSED, *NEEDED)), "/dev/core", "/sys/kernel", "/sys/class"]
        # Ours and our parents': a pid of the jail's own can be that of anybody else.
        question = {"reads": reads, "sockets": [listener], "pids": [os.getpid(), os.getppid()]}
        outcome = driver.run({"command": [*PYTHON, AROUND, json.dumps(question)], "backend": backend})
        assert outcome.get("status") == "ok", outcome
        SEEN[backend, account] = json.loads(outcome["stdout"])
    return SEEN[backend, account]


def test_what_tells_of_the_host_in_proc_can_not_be_opened(seen: dict[str, Any]) -> None:
    there = [name for name in CLOSED if Path("/proc", name).exists()]
    assert "keys" in there
    assert {name: seen["reads"][f"/proc/{name}"] for name in there} == dict.fromkeys(there, "EACCES")


def test_what_programs_need_of_proc_can_be_read(seen: dict[str, Any]) -> None:
    assert {name: seen["reads"][f"/proc/{name}"] for name in NEEDED} == dict.fromkeys(NEEDED, "ok")


def test_nothing_in_proc_can_be_written_but_what_belongs_to_the_job(seen: dict[str, Any]) -> None:
    assert seen["written"] == []


def test_other_processes_are_closed_and_none_is_of_the_host(seen: dict[str, Any]) -> None:
    assert seen["host pids"] == []
    assert "/proc/1/mem" in seen["others"]
    assert set(seen["others"].values()) == {"EACCES"}


def test_devices_are_the_harmless_ones_and_no_way_to_memory(seen: dict[str, Any], backend: str) -> None:
    links = {"ptmx": "link"} | ({} if backend == "firejail" else {"core": "link"})
    assert seen["devices"] == DEVICES | OTHERS | links
    assert seen["reads"]["/dev/core"] in {"ENOENT", "EACCES"}  # without kcore it leads nowhere
    assert seen["terminal"] == "ENXIO"  # it has none


def test_there_is_no_sys(seen: dict[str, Any]) -> None:
    assert {seen["reads"]["/sys/kernel"], seen["reads"]["/sys/class"]} <= {"ENOENT", "EACCES"}


def test_a_set_uid_bit_has_no_effect(seen: dict[str, Any]) -> None:
    assert seen["no_new_privs"] == 1
    assert seen["bounding"] == []
    assert seen["set-uid"]["bit"]
    assert len(seen["set-uid"]["ids"]) == 1
    assert seen["set-uid"]["ids"] != ["0"]


def test_nothing_of_the_hosts_sockets_and_shared_memory_is_in_reach(seen: dict[str, Any], segment: int) -> None:
    assert any(line.split()[1] == str(segment) for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:])
    assert seen["ipc"] == {"shm": 0, "msg": 0, "sem": 0}
    assert seen["shared memory"] == []
    assert seen["abstract"] == ["ECONNREFUSED"]
    assert seen["sockets"] == []


def test_the_callers_keys_are_out_of_reach(seen: dict[str, Any]) -> None:
    assert seen["session keyring"] == "EPERM"


def test_the_host_has_another_name(seen: dict[str, Any]) -> None:
    assert seen["names"] == ["sandbox", "sandbox"]
    assert platform.node() != "sandbox"


def test_a_job_can_be_looked_at_by_itself_alone(seen: dict[str, Any]) -> None:
    assert seen["dumpable"] == 1


def test_a_crash_leaves_no_core(backend: str, driver: Driver) -> None:
    script = "ulimit -S -c; ulimit -H -c; sh -c 'kill -SEGV $$'; ls -A . /tmp"
    outcome = driver.run({"command": ["/bin/sh", "-c", script], "backend": backend})
    lines = outcome["stdout"].decode().split()
    assert lines[:2] == ["0", "0"]  # in blocks of 512 bytes: it is 1 byte
    assert not [line for line in lines if line.startswith("core")]
