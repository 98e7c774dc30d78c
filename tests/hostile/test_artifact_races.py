"""A job is dead when its files are collected. Somebody it gave its directory to is not, and does what they can."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.conftest import PYTHON
from tests.hostile.artifacts import SECRET
from tests.hostile.test_limits import SLOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.accounts import Account
    from tests.contract.conftest import Driver

# The accomplice takes the fd of scratch, and swaps what stands there until it is killed; the job ends once it does so.
ACCOMPLICE = """
import os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
server.listen()
print("ready", flush=True)
connection, _ = server.accept()
_, [scratch], _, _ = socket.recv_fds(connection, 1, 1)
secret, number = sys.argv[2], 0
while True:
    number += 1
    if number == 4: connection.send(b".")  # three links stand there: however busy the machine is, something is swapped
    name, other = f"f{number % 100}", f"new{number}"
    try:
        kind = number % 7
        if kind == 0: os.mkfifo(other, dir_fd=scratch)
        elif kind < 4: os.symlink(secret, other, dir_fd=scratch)
        elif kind == 4:  # grows and shrinks while it is read
            fd = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOFOLLOW, dir_fd=scratch)
            os.write(fd, b"y" * 65536)
            os.ftruncate(fd, number % 1000)
            os.close(fd)
            continue
        else: os.close(os.open(other, os.O_CREAT | os.O_WRONLY, 0o666, dir_fd=scratch))
        os.rename(other, name, src_dir_fd=scratch, dst_dir_fd=scratch)
        folder = f"d{number % 10}"
        if number % 20 < 10:
            os.rename(folder, f"away{folder}", src_dir_fd=scratch, dst_dir_fd=scratch)
            os.symlink(os.path.dirname(secret), folder, dir_fd=scratch)
        else:
            os.unlink(folder, dir_fd=scratch)
            os.rename(f"away{folder}", folder, src_dir_fd=scratch, dst_dir_fd=scratch)
    except OSError:
        pass
"""

HANDS_OVER = """
import os, socket, sys
for number in range(100):
    open(f"f{number}", "w").write("x")
for number in range(10):
    os.mkdir(f"d{number}")
    open(f"d{number}/secret", "w").write("x")
client = socket.socket(socket.AF_UNIX)
client.connect(sys.argv[1])
socket.send_fds(client, [b"."], [os.open(".", os.O_RDONLY)])
client.recv(1)
"""


@contextmanager
def accomplice(account: Account, path: Path, secret: Path) -> Iterator[None]:
    words = [account.python, "-ISc", ACCOMPLICE, str(path), str(secret)]
    with account.popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield
        finally:
            process.kill()


@pytest.mark.parametrize("collect", ["inline", "save"])
def test_what_is_swapped_between_look_and_open_leads_nowhere_and_holds_nobody_up(
    collect: str, backend: str, account: str, driver: Driver, shared_tmp: Path, request: pytest.FixtureRequest
) -> None:
    if backend == "firejail" and shared_tmp.is_relative_to("/var/tmp"):
        pytest.skip("firejail has a /var/tmp of its own: nothing there can be shown")
    meeting, out = shared_tmp / "meeting", shared_tmp / "out"
    for folder in (meeting, out):
        folder.mkdir()
        os.chown(folder, driver.uid, -1)
    meeting.chmod(0o777)
    secret = shared_tmp / "secret"
    secret.write_text(SECRET)
    policy = shared_tmp / "policy.yaml"
    policy.write_text(f"extends: command\nfilesystem: {{{meeting}: rw}}\n")
    who: Account = request.getfixturevalue(f"as_{account}")
    work: dict[str, Any] = {"collect": collect, "output_dir": str(out) if collect == "save" else None}
    for number in range(5):
        place = meeting / f"socket{number}"
        job = {"command": [*PYTHON, HANDS_OVER, str(place)], "backend": backend, "policy": str(policy)}
        with accomplice(who, place, secret):
            began = time.monotonic()
            outcome = driver.run(job, work)
        assert time.monotonic() - began < 20 * SLOW
        assert "refused" not in outcome, outcome
        assert outcome["status"] == "ok", (outcome["cause"], outcome["stderr"])
        assert SECRET not in repr(outcome)
        assert outcome["artifacts_omitted"], "nothing was swapped"
    assert not [path for path in out.rglob("*") if path.is_file() and path.read_text() == SECRET]
    assert not [path for path in out.rglob("*") if path.is_symlink() or path.is_fifo()]
