"""However few files may be open, a job runs or is one sentence; neither an fd nor a control group is left."""

from __future__ import annotations

import ast
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.accounts import Account
    from tests.contract.conftest import Driver

FEW = """
import ast, glob, os, resource, sys
from sandbox_cli.run import execute
from sandbox_cli.errors import HostError
compiled, work = ast.literal_eval(sys.stdin.read())
execute(compiled, work)
before, endings = len(os.listdir("/proc/self/fd")), []
for spare in range(45):
    resource.setrlimit(resource.RLIMIT_NOFILE, (before + spare, 4096))
    try:
        endings.append(execute(compiled, work)["status"])
    except HostError:
        endings.append("HostError")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 4096))
    assert len(os.listdir("/proc/self/fd")) == before, (spare, endings)
    for parent in set(compiled["groups"]["parents"].values()) if compiled["groups"] else ():
        assert not glob.glob(f"{parent}/sandbox-*-{os.getpid()}-*"), (spare, endings)
print(endings)
"""
WORK = {
    "id": "few", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None, "stdout": None,
    "stderr": None, "capture": 1 << 20, "collect": "none", "output_dir": None, "cancel": None,
}  # fmt: skip


def test_few_open_files_end_in_one_sentence_and_leave_nothing(
    driver: Driver, backend: str, account: str, request: pytest.FixtureRequest
) -> None:
    who: Account = request.getfixturevalue(f"as_{account}")
    compiled = driver.plan({"command": ["/bin/true"], "backend": backend})
    pipe = subprocess.PIPE
    process = who.popen([who.python, "-c", FEW], stdin=pipe, stdout=pipe, stderr=pipe)
    out, err = process.communicate(repr((compiled, WORK)).encode(), timeout=120)
    assert process.returncode == 0, err.decode()
    endings = ast.literal_eval(out.decode())
    assert {"HostError", "ok"} <= set(endings) <= {"HostError", "sandbox-error", "ok"}  # a jailer needs some, too
    assert endings[-1] == "ok"
