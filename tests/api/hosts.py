"""Programs that are not ours and run jobs: each a process of its own, in which nothing but its own text is set up.

They run under `-X dev -W error`: a warning, an fd that nobody closed or an exception that nobody can catch is a line on
stderr, and fails them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.accounts import Account

# What every one of them begins with. `job` runs one, `here` is what this process holds: fds, children, and what it
# made on the host.
_HEAD = """
import os, signal, sys, threading, time
from sandbox_cli.api.perform import perform
from sandbox_cli.api.plans import Plans
from sandbox_cli.api.request import of_json

BACKEND = sys.argv[1]
PLANS = Plans()

def job(*command, stdin=None, cancel=None, plans=PLANS, **more):
    given = of_json({"command": list(command), "stdin": stdin, "backend": BACKEND, **more})
    performed = perform(given, plans, kind="api", cancel=cancel)
    if performed.error is not None:
        raise performed.error
    return performed.outcome

def children():
    found = []
    for task in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{task}/children") as file:
                found += file.read().split()
        except FileNotFoundError:
            pass
    return found

def made(pid=None):
    mine = f"sandbox-{os.geteuid()}-{pid or os.getpid()}-"
    found = [name for name in os.listdir("/tmp") if name.startswith(mine)]
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        found += [f"{folder}/{name}" for name in names if name.startswith(mine)]
    return found

def fds():
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{fd}"))
        except FileNotFoundError:
            pass
    return sorted(found)

def running(*words):
    # Whether a process has these words on its command line: a job's, seen from outside.
    mark = b"\\0".join(os.fsencode(word) for word in words)
    for pid in os.listdir("/proc"):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                line = file.read()
        except OSError:
            continue
        if mark in line and int(pid) != os.getpid() and not line.startswith(b"python"):
            return True
    return False

def until(true, seconds=10):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)

def in_child(what):
    # Forks; the child does `what` and ends with 0 where nothing was raised.
    child = os.fork()
    if child == 0:
        try:
            what()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(1)
    return child

def end(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""


def run(account: Account, backend: str, text: str, *arguments: str, timeout: float = 60) -> str:
    """What the program prints. It has to end with 0, and to say nothing on stderr."""
    argv = [account.python, "-X", "dev", "-W", "error", "-c", _HEAD + text, backend, *arguments]
    done = account.run(argv, timeout=timeout)
    said = done.stderr.decode(errors="replace")
    assert done.returncode == 0, said
    assert said == "", said
    return done.stdout.decode()
