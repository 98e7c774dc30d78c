"""Compiles plans and runs them in a process of its own, as whatever account starts it; told what to do by `conftest`.

One line each way, a Python literal: a Plan is plain data, so it travels. Imports nothing of the tests, since it
is run by path where they can't be imported.
"""

from __future__ import annotations

import ast
import os
import socket
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from sandbox_cli import launcher, plan
from sandbox_cli.errors import SandboxError
from sandbox_cli.run import execute as run
from sandbox_cli.run import seal

if TYPE_CHECKING:
    from collections.abc import Iterator

EMPTY: dict[str, Any] = {
    "id": "contract", "arguments": [], "file": None, "inputs": [], "environment": [], "stdin": None,
    "stdout": None, "stderr": None, "capture": 1 << 20, "collect": "inline", "output_dir": None, "cancel": None,
}  # fmt: skip


def execute(compiled: Any, work: dict[str, Any], cancel: tuple[int, float] | None) -> Any:
    if cancel is None:
        return run(compiled, EMPTY | work)  # type: ignore[arg-type]
    number, delay_s = cancel
    reader, writer = os.pipe()
    timer = threading.Timer(delay_s, os.write, (writer, bytes([number])))
    timer.start()
    try:
        return run(compiled, EMPTY | work | {"cancel": reader})  # type: ignore[arg-type]
    finally:
        timer.cancel()
        timer.join()
        os.close(reader)
        os.close(writer)


@contextmanager
def staged(question: dict[str, Any]) -> Iterator[None]:
    """What a question may ask of the supervisor itself.

    `unsealed`: it doesn't look whether the jail is what was planned, for plans that are weakened on purpose.
    `launcher`: it uses this one. `leak`: it holds this directory and a socket open, inheritable, as a careless caller
    would. `environ`: it has these variables.
    """
    inspect, path = seal.inspect, launcher.path
    if question.get("unsealed"):
        seal.inspect = lambda *_: ([], [])
    if question.get("launcher"):
        launcher.path = lambda: question["launcher"]
    leaked: list[int] = []
    if question.get("leak"):
        leaked = [os.open(question["leak"], os.O_RDONLY), *(each.detach() for each in socket.socketpair())]
    for fd in leaked:
        os.set_inheritable(fd, True)
    os.environ.update(question.get("environ", {}))
    try:
        yield
    finally:
        seal.inspect, launcher.path = inspect, path
        for fd in leaked:
            os.close(fd)
        for name in question.get("environ", {}):
            del os.environ[name]


def answer(question: dict[str, Any]) -> Any:
    if question.get("zeros"):  # of stdin: too many to be sent here as a literal
        question["work"]["stdin"] = bytes(question["zeros"])
    try:
        with mock.patch.dict(os.environ, question.get("planned_with", {})):  # these variables
            compiled = question["plan"] if "plan" in question else plan.compile(question["job"])
        if "work" not in question:
            return compiled
        with staged(question):
            return execute(compiled, question["work"], question.get("cancel"))
    except SandboxError as error:
        return {"refused": type(error).__name__, "message": str(error), "hint": error.hint, "gaps": error.gaps}


def fds() -> int:
    return len(os.listdir("/proc/self/fd"))


if __name__ == "__main__":
    for line in sys.stdin:
        print(repr((answer(ast.literal_eval(line)), fds())), flush=True)
