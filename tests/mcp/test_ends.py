"""The server's own end, its wire, and what it says without the SDK."""

from __future__ import annotations

import ctypes
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.mcp.serving import eventually, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.accounts import Sandbox

PIPES = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
CLIENT = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def line(method: str, **message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "method": method, **message}).encode() + b"\n"


HELLO = line("initialize", id=0, params=CLIENT) + line("notifications/initialized")


def call(number: int, **job: Any) -> bytes:
    return line("tools/call", id=number, params={"name": "run_code", "arguments": job})


def close_stdin(server: subprocess.Popen[bytes]) -> None:
    server.stdin.close()


def terminate(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)


def interrupt(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)


def close_stdout(server: subprocess.Popen[bytes]) -> None:
    """The next word finds nobody."""
    server.stdout.close()
    server.stdin.write(line("ping", id=99))
    server.stdin.flush()


@pytest.mark.parametrize(
    ("end", "code"),
    [(close_stdin, 0), (terminate, 143), (interrupt, 130), (close_stdout, 0)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_end_of_the_server_ends_all_jobs_at_once(
    sandbox: Sandbox, end: Callable[[subprocess.Popen[bytes]], None], code: int
) -> None:
    words = ("sleep", f"65432.{code}{len(end.__name__)}{sandbox.account.uid}")
    with sandbox.popen("mcp", "-p", "command", "-j", "1", **PIPES) as server:
        server.stdin.write(HELLO + call(1, command=[*words]) + call(2, command=["true"]))
        server.stdin.flush()
        eventually(lambda: running(*words))
        began = time.monotonic()
        end(server)
        server.wait(10)
        assert time.monotonic() - began < 5
        assert eventually(lambda: not running(*words)) < 2
        assert server.returncode == code
        assert b"Traceback" not in server.stderr.read()


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_signal_that_the_kernel_gives_to_another_thread_ends_an_idle_server(sandbox: Sandbox) -> None:
    with sandbox.popen("mcp", "-p", "command", **PIPES) as server:
        server.stdin.write(HELLO)
        server.stdin.flush()
        assert json.loads(server.stdout.readline())["id"] == 0
        task = max(int(each.name) for each in Path(f"/proc/{server.pid}/task").iterdir())
        assert task != server.pid
        assert ctypes.CDLL(None).tgkill(server.pid, task, signal.SIGTERM) == 0
        assert server.wait(10) == 143


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_server_whose_client_reads_nothing_ends_all_the_same(sandbox: Sandbox) -> None:
    with sandbox.popen("mcp", "-p", "bash", **PIPES) as server:
        server.stdin.write(HELLO + b"".join(call(n, code="head -c 500000 /dev/zero") for n in range(1, 5)))
        server.stdin.flush()
        time.sleep(3)  # by then its pipe is full
        began = time.monotonic()
        server.stdin.close()
        server.wait(10)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_stdout_holds_nothing_but_messages_and_stderr_nothing_at_all(sandbox: Sandbox) -> None:
    with sandbox.popen("mcp", "-p", "bash", **PIPES) as server:
        server.stdin.write(b"no message\n" + HELLO + call(1, code="echo out; echo err >&2") + b"{}\n[1]\n\n")
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(2)]
        assert [answer["id"] for answer in answers] == [0, 1]
        assert answers[1]["result"]["structuredContent"]["stdout"] == "out\n"
        server.stdin.close()
        assert server.stdout.read() == b""
        assert server.stderr.read() == b""


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_message_that_is_too_long_is_answered_and_the_next_one_served(sandbox: Sandbox) -> None:
    with sandbox.popen("mcp", "-p", "bash", **PIPES) as server:
        server.stdin.write(HELLO)
        server.stdin.flush()
        assert json.loads(server.stdout.readline())["id"] == 0
        server.stdin.write(call(7, code="x" * (40 << 20)))
        server.stdin.write(
            b'{"method":"ping","params":{"x":"' + b"y" * (40 << 20) + b'"},"jsonrpc":"2.0","id":"a-8"}\n'
        )
        server.stdin.write(call(9, code="echo on"))
        server.stdin.flush()
        found = {each["id"]: each for each in (json.loads(server.stdout.readline()) for _ in range(3))}
        assert "32-MiB" in json.dumps(found["a-8"]["error"])
        assert "result" in found[9]
        assert "error" in found[7]
        server.stdin.close()


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_without_the_extra_it_says_how_to_get_it(sandbox: Sandbox) -> None:
    hide = "import sys; sys.modules['mcp'] = sys.modules['mcp_types'] = None; sys.argv = ['sandbox', 'mcp']"
    start = "from sandbox_cli.__main__ import main; main()"
    done = sandbox.account.run([sandbox.account.python, "-c", f"{hide}; {start}"])
    assert (done.returncode, done.stdout) == (125, b"")
    assert b"pip install 'sandbox-jail[mcp]'" in done.stderr
    assert len(done.stderr.splitlines()) == 2
