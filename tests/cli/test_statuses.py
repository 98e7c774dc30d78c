"""Every status that can occur, produced by a real run, with its exit code and a result that the schema knows."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from sandbox_cli.cli.exit_codes import EXIT_CODES
from tests.cli.conftest import one_result
from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.accounts import Sandbox

MAKE_FILES = "import time\nfor n in range(99): open(str(n), 'w').close()\ntime.sleep(9)"
FAILING = """#!/bin/sh
case "$*" in *" /more "*) echo "bwrap: it is broken" >&2; exit 1 ;; esac
exec /usr/bin/env PATH=/usr/local/bin:/usr/bin:/bin bwrap "$@"
"""
UNSHARE = "import ctypes; ctypes.CDLL(None).unshare(0)"

RUNS: dict[str, tuple[int, list[str]]] = {
    "ok": (0, ["--", "true"]),
    "nonzero-exit": (42, ["--", "sh", "-c", "exit 42"]),
    "signalled": (139, ["--", "sh", "-c", "kill -SEGV $$"]),
    "wall-time-limit": (124, ["--timeout", "200ms", "--", "sleep", "60"]),
    "cpu-time-limit": (124, ["--limit", "cpu_time=300ms", "--", *PYTHON, "while 1: pass"]),
    "memory-limit": (137, ["--memory", "64MiB", "--", *PYTHON, "x = bytearray(200 << 20)\nimport time; time.sleep(9)"]),
    "output-limit": (153, ["--limit", "output=10kB", "--", "yes"]),
    "scratch-limit": (153, ["-b", "bwrap", "--limit", "scratch_files=20", "--", *PYTHON, MAKE_FILES]),
    "file-size-limit": (153, ["--limit", "file_size=1MiB", "--", "dd", "if=/dev/zero", "of=x", "bs=64k", "count=64"]),
    "syscall-denied": (159, ["-p", "{tmp}/kill.yaml", "--", *PYTHON, UNSHARE]),
    "cannot-start": (127, ["--", "no-such-program"]),
    "refused": (125, ["--memory", "1TiB", "--", "true"]),
}
BY_SIGNAL = {"cancelled": (143, ["--", "sleep", "60"])}
BY_JAILER = {"sandbox-error": (125, ["-b", "bwrap", "-p", "{tmp}/more.yaml", "--", "true"])}
NOT_YET = {"compile-error"}  # nothing is compiled in the jail yet


@pytest.fixture
def policies(shared_tmp: Path) -> Path:
    (shared_tmp / "kill.yaml").write_text("extends: command\nsyscalls: {action: kill}\n")
    (shared_tmp / "more.yaml").write_text("extends: command\nfilesystem: {/more: tmpfs}\n")
    return shared_tmp


@pytest.mark.parametrize("account", ["user"], indirect=True)
@pytest.mark.parametrize("status", RUNS)
def test_status_comes_from_a_real_run_with_its_exit_code(status: str, sandbox: Sandbox, policies: Path) -> None:
    code, words = RUNS[status]
    done = sandbox("exec", "--json", *(word.replace("{tmp}", str(policies)) for word in words))
    result = one_result(done.stdout)
    assert (result["status"], done.returncode, done.stderr) == (status, code, b""), result["cause"]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_cancelled_job_has_its_status_and_exit_code(sandbox: Sandbox) -> None:
    code, words = BY_SIGNAL["cancelled"]
    with sandbox.popen("exec", "--json", *words, stdout=subprocess.PIPE) as process:
        until = time.monotonic() + 20
        while not psutil.Process(process.pid).children(recursive=True):
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        stdout, _ = process.communicate()
    assert (one_result(stdout)["status"], process.returncode) == ("cancelled", code)


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_jailer_that_fails_after_its_trial_has_its_status_and_exit_code(
    sandbox: Sandbox, policies: Path, needs: Callable[[str], None]
) -> None:
    needs("bwrap")
    code, words = BY_JAILER["sandbox-error"]
    jailer = policies / "bin" / "bwrap"
    jailer.parent.mkdir()
    jailer.write_text(FAILING)
    jailer.chmod(0o755)
    path = f"{jailer.parent}:{sandbox.account.environment['PATH']}"
    done = sandbox("exec", "--json", *(word.replace("{tmp}", str(policies)) for word in words), env={"PATH": path})
    result = one_result(done.stdout)
    assert (result["status"], done.returncode, done.stderr) == ("sandbox-error", code, b"")
    assert result["error"]["message"] == "bwrap: it is broken"


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_program_that_is_not_found_comes_with_what_can_be_seen(sandbox: Sandbox, shared_tmp: Path) -> None:
    (shared_tmp / "tool").write_text("#!/bin/sh\n")
    done = sandbox("exec", "--", "./tool", cwd=shared_tmp)
    assert done.returncode == 127
    assert b"hint: a program sees only what its policy's `filesystem` shows; -f FILE" in done.stderr


def test_no_status_is_left_out() -> None:
    statuses = set(EXIT_CODES) | {"ok", "nonzero-exit", "signalled", "cannot-start", "cancelled", "compile-error"}
    assert statuses == {*RUNS, *BY_SIGNAL, *BY_JAILER, *NOT_YET}
