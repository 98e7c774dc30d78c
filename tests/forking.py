"""`python forking.py FD`: a process that has the command imported and, for each run that it is asked for, forks.

What comes over the socket FD is environment and arguments of one run, with its three streams and a socket for its pid
and its status. The forked process has nothing else of this one but the imports. It needs no other file of the tests:
whoever runs it may be unable to read them.
"""

from __future__ import annotations

import ast
import gc
import os
import runpy
import select
import socket
import sys
from typing import Any

# What a run of a job imports by and by; another command imports the rest itself.
IMPORTED = (
    "sandbox_cli.cli.app",
    "sandbox_cli.cli.run",
    "sandbox_cli.cli.exec",
    "sandbox_cli.cli.live",
    "sandbox_cli.cli.policy",
    "sandbox_cli.plan",
    "sandbox_cli.backends.rendering",
    "pyseccomp",
)
LONGEST = 1 << 20  # bytes of a question


def questions(asked: socket.socket) -> dict[str, Any]:
    """Fork for each question; returns in the forked process, with what it is to be."""
    running: dict[int, tuple[int, int]] = {}  # pidfd -> pid, and the socket that its status goes to
    poll = select.poll()
    poll.register(asked, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd != asked.fileno():
                poll.unregister(fd)
                pid, answer = running.pop(fd)
                status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                os.close(fd)
                _say(answer, status)
                os.close(answer)
                continue
            data, fds, _, _ = socket.recv_fds(asked, LONGEST, 4)
            if not data:
                sys.exit()
            pid = os.fork()
            if pid == 0:
                for number, stream in enumerate(fds[:3]):
                    os.dup2(stream, number)
                return dict(ast.literal_eval(data.decode()))
            _say(fds[3], pid)
            for stream in fds[:3]:
                os.close(stream)
            watched = os.pidfd_open(pid)
            running[watched] = pid, fds[3]
            poll.register(watched, select.POLLIN)


def _say(answer: int, number: int) -> None:
    try:
        os.write(answer, f"{number}\n".encode())
    except BrokenPipeError:  # nobody waits for it any more
        return


def main(fd: int) -> None:
    for name in IMPORTED:
        __import__(name)
    gc.freeze()  # or each forked process would copy them all, to look for garbage among them
    asked = socket.socket(fileno=fd)
    run = questions(asked)
    asked.detach()
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.environ.clear()
    os.environ.update(run["environment"])
    sys.path[0] = os.getcwd()  # as -m has it
    sys.argv[1:] = run["arguments"]
    runpy.run_module("sandbox_cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
