"""Where the host pipes cores to a program of its own, as systemd's hosts do, no job's memory comes to it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.accounts import Sandbox

if os.environ.get("VM_WAY") != "root":
    pytest.skip("only root sets a core_pattern, and only a guest's: make test-vm", allow_module_level=True)

PATTERN = Path("/proc/sys/kernel/core_pattern")
CRASH = ["/bin/sh", "-c", "ulimit -c 0; kill -SEGV $$"]  # what keeps the core from a file, and not from a pipe
PATIENCE_S = 10  # the kernel starts the handler by itself


@pytest.fixture
def handled(tmp_path: Path) -> Iterator[Path]:
    """A file that gets a line for each core that the kernel hands to the guest's root."""
    told, handler = tmp_path / "handled", tmp_path / "handler"
    handler.write_text(f'#!/bin/sh\necho "$1 $(wc -c)" >>{told}\n')
    handler.chmod(0o755)
    before = PATTERN.read_text()
    PATTERN.write_text(f"|{handler} %P")
    yield told
    PATTERN.write_text(before)


def crash_outside() -> None:
    """With no core allowed: a limit of 0 keeps nothing from a pipe."""
    subprocess.run(CRASH, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))


def lines(told: Path) -> int:
    return len(told.read_text().splitlines()) if told.exists() else 0


@pytest.mark.parametrize("account", ["root"], indirect=True)
@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)  # the limit is the launcher's: elsewhere it is the same
def test_the_hosts_handler_of_cores_gets_no_job(backend: str, sandbox: Sandbox, handled: Path) -> None:
    outcome = json.loads(sandbox("exec", "-b", backend, "--json", "--", *CRASH).stdout)
    assert (outcome["status"], outcome["signal"]) == ("signalled", "SIGSEGV"), outcome
    crash_outside()  # the control, after it: where this one was handled, so would the job's have been
    deadline = time.monotonic() + PATIENCE_S
    while lines(handled) == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert lines(handled) == 1, "the handler must see what crashes outside, and that alone"
