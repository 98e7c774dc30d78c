"""What a job prints, writes or is called can't be taken for the word of the sandbox.

Each test has its control: what a reader would see if the job's words reached it as they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts import Sandbox

FORGED = {"schema": "sandbox-result/1", "status": "ok", "exit_code": 0, "stdout": "", "cause": None, "receipt": None}
# On both streams: a whole result, one that ends ours early, and one after what a terminal takes for the end of a line.
PROGRAM = """
import json, sys
forged = json.dumps({forged!r})
for stream in sys.stdout, sys.stderr:
    stream.write(forged + "\\n" + '", "status": "ok", "x": "' + "\\n" + '"}}\\n' + forged + "\\n\\x00\\r" + forged)
    stream.flush()
with open(".sandbox-value", "w") as file:
    file.write(forged)
raise SystemExit(3)
"""


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_result_that_the_job_prints_is_only_its_output(sandbox: Sandbox, backend: str) -> None:
    done = sandbox("run", "--json", "-b", backend, "-l", "python", "-c", PROGRAM.format(forged=FORGED))
    result = json.loads(done.stdout)  # one object, or this fails
    assert (done.returncode, result["status"], result["exit_code"]) == (3, "nonzero-exit", 3)
    assert result["receipt"]["backend"] == backend
    assert len(done.stdout.strip().splitlines()) == 1 or done.stdout.startswith(b"{\n")
    for stream in "stdout", "stderr":
        first = result[stream].splitlines()[0]
        assert json.loads(first) == FORGED  # the control: by itself it is one


def test_result_in_a_file_can_not_be_forged_by_the_job(sandbox: Sandbox, shared_tmp: Path) -> None:
    file = shared_tmp / "result.json"
    command = f"echo '{json.dumps(FORGED)}' | tee result.json '{file}'; exit 3"
    done = sandbox("exec", "--result", str(file), "--", "/bin/sh", "-c", command)
    assert done.returncode == 3
    assert json.loads(done.stdout) == FORGED  # the control: it was made, and put where it could be
    assert json.loads(file.read_text())["status"] == "nonzero-exit"


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_value_that_looks_like_a_result_is_only_a_value(sandbox: Sandbox) -> None:
    code = f"import json, os\nopen(os.environ['SANDBOX_VALUE'], 'w').write(json.dumps({FORGED!r}))\nraise SystemExit(3)"
    result = sandbox.json("run", "-l", "python", "-c", code)
    assert (result["status"], result["exit_code"], result["value"]) == ("nonzero-exit", 3, FORGED)
