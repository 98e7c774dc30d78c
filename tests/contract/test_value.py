"""$SANDBOX_VALUE on every backend: what a job wrote comes back, what it made to harm does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.contract.conftest import PYTHON

if TYPE_CHECKING:
    from tests.contract.conftest import Driver

VALUE = "import os; value = os.environ['SANDBOX_VALUE']\n"
NO_FILE = "$SANDBOX_VALUE is no regular file"
CHILD = """
import time
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        open(value, "w").write("1")
        while True: open(value, "a").write(" ")
    os._exit(0)
while not os.path.exists(value): time.sleep(0.01)
"""


@pytest.mark.parametrize(
    ("code", "content", "error"),
    [
        ("open(value, 'w').write('[1]')", b"[1]", None),
        ("os.chdir('/tmp'); open(value, 'wb').write(b'\\xff'); raise SystemExit(3)", b"\xff", None),
        ("", None, None),
        ("os.symlink('/etc/passwd', value)", None, NO_FILE),
        ("os.mkfifo(value)", None, NO_FILE),
        ("os.mkdir(value); open(value + '/x', 'w').close()", None, NO_FILE),
        (
            "os.truncate(os.open(value, os.O_WRONLY | os.O_CREAT), 60 << 20)",
            None,
            "$SANDBOX_VALUE is larger than 1 MiB",
        ),
        ("open(value, 'w').write('1'); os.chmod(value, 0); os.chmod('.', 0)", b"1", None),
        (
            "open(value, 'w').write('1'); os.abort()",
            None,
            "$SANDBOX_VALUE was not read, since the job ended with signalled",
        ),
    ],
    ids=["json", "bytes", "nothing", "link", "fifo", "folder", "large", "closed", "aborted"],
)
def test_what_a_job_wrote_is_its_value_and_nothing_else_is(
    driver: Driver, backend: str, code: str, content: bytes | None, error: str | None
) -> None:
    began = time.monotonic()
    outcome = driver.run({"command": [*PYTHON, VALUE + code], "backend": backend})
    assert (outcome["value"], outcome["value_error"]) == (content, error)
    assert ".sandbox-value" not in [each["path"].decode() for each in outcome["artifacts"]]
    assert time.monotonic() - began < 30


def test_a_value_is_that_of_a_job_whose_last_process_is_dead(driver: Driver, backend: str) -> None:
    outcome = driver.run({"command": [*PYTHON, VALUE + CHILD], "backend": backend})
    assert outcome["status"] == "ok"
    assert outcome["value"] is None or outcome["value"].strip() in (b"", b"1")
    assert outcome["value_error"] in (None, "$SANDBOX_VALUE is larger than 1 MiB")


def test_a_job_that_was_killed_has_no_value(driver: Driver, backend: str) -> None:
    code = VALUE + "open(value, 'w').write('12'); import time; time.sleep(60)"
    outcome = driver.run({"command": [*PYTHON, code], "backend": backend, "limits": {"wall_time": "1s"}})
    assert outcome["status"] == "wall-time-limit"
    assert outcome["value"] is None
    assert outcome["value_error"] == "$SANDBOX_VALUE was not read, since the job ended with wall-time-limit"
