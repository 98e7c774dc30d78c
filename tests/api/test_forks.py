"""A program that forks while it runs jobs: no fork holds anything of a job, and each runs jobs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api import hosts

if TYPE_CHECKING:
    from tests.accounts import Sandbox

# Forks all the time, into children that live on, while `what` runs.
FORKING = """
import mmap
def forking(what):
    children, over = [], threading.Event()
    def fork():
        while not over.is_set():
            told = mmap.mmap(-1, 1)  # no fd, and shared
            child = in_child(lambda: (told.write(b"x"), time.sleep(60)))
            until(lambda: told[0])  # what runs at a fork has run there
            children.append(child)
            time.sleep(0.004)
    job("true")
    thread = threading.Thread(target=fork)
    thread.start()
    try:
        what(children)
    finally:
        over.set()
        thread.join()
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
"""


def test_a_job_sees_the_end_of_its_input_though_forks_live_on(sandbox: Sandbox, backend: str) -> None:
    text = """
def what(children):
    for number in range(5):
        outcome = job("cat", stdin=f"{number}", limits={"wall_time": "5s"})
        assert (outcome["status"], outcome["stdout"]) == ("ok", b"%d" % number), outcome
forking(what)
"""
    hosts.run(sandbox.account, backend, FORKING + text)


def test_a_fork_keeps_no_fd_of_a_run(sandbox: Sandbox, backend: str) -> None:
    text = """
from collections import Counter
seen, forks = Counter(), []
def what(children):
    for _ in range(4):
        job("sleep", "0.1")
    for child in children:
        forks.append(child)
        seen.update({os.readlink(f"/proc/{child}/fd/{fd}") for fd in os.listdir(f"/proc/{child}/fd")} - before)
before = set(fds())
forking(what)
# What is open for a moment alone keeps nothing from its end: a file of /proc, the list of a folder. A folder of a job's
# scratch is seen as /: hardly any of the forks comes in such a moment, and each one while the run holds scratch itself.
held = [each for each in seen if each.startswith(("socket:", "pipe:", "anon_inode:", "/run/"))]
held += [each for each in seen if os.path.basename(each).startswith("sandbox-")]
assert not held, held
assert seen["/"] <= len(forks) / 4, (seen["/"], len(forks))
"""
    hosts.run(sandbox.account, backend, FORKING + text)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_a_job_ends_with_its_supervisor_though_a_fork_of_that_lives(sandbox: Sandbox, backend: str) -> None:
    text = """
mark = f"6{os.getpid()}.25"
def supervisor():
    threading.Thread(target=job, args=("sleep", mark), daemon=True).start()
    until(lambda: running("sleep", mark))
    child = in_child(lambda: time.sleep(30))
    with os.fdopen(sink, "wb") as file:
        file.write(b"%d" % child)
    signal.pause()
job("true")
source, sink = os.pipe()
killed = in_child(supervisor)
os.close(sink)
with os.fdopen(source, "rb") as file:
    fork = int(file.read(1) + file.readline())
os.kill(killed, signal.SIGKILL)
end(killed)
try:
    os.kill(fork, 0)
    until(lambda: not running("sleep", mark))
finally:
    os.kill(fork, signal.SIGKILL)
time.sleep(1)  # what crashed runs left is looked for once a second
job("true")
assert made(killed) == []  # a lock that the fork had would keep the next start from it
"""
    # What is read ends with the fork: it has that pipe, too, which is not the run's.
    hosts.run(sandbox.account, backend, text.replace("file.read(1) + file.readline()", "os.read(source, 20)"))


def test_parent_and_forks_run_jobs_at_once_and_all_are_right(sandbox: Sandbox, backend: str) -> None:
    text = """
def jobs(name, count=3):
    def one(number):
        word = f"{name}-{number}"
        outcome = job("sh", "-c", 'echo "$0"; exit 7', word)
        assert (outcome["stdout"], outcome["exit_code"]) == (word.encode() + b"\\n", 7), outcome
        right.append(word)
    right = []
    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads: thread.start()
    return lambda: ([thread.join() for thread in threads], len(right) == count or os._exit(3))
job("true")
wait = jobs("parent")
forks = [in_child(lambda: jobs(f"child-{number}")()) for number in range(3)]
wait()
assert [end(fork) for fork in forks] == [0, 0, 0]
assert (children(), made()) == ([], [])
"""
    hosts.run(sandbox.account, backend, text)


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
def test_a_fork_made_while_plans_are_compiled_compiles_its_own(sandbox: Sandbox, backend: str) -> None:
    text = """
threads = [threading.Thread(target=job, args=("sh", "-c", "exit 0"), kwargs={"env": {f"V{n}": ""}}) for n in range(8)]
for thread in threads: thread.start()
def child():
    signal.alarm(20)
    assert job("true")["status"] == "ok"
forks = []
for _ in range(12):
    forks.append(in_child(child))
    time.sleep(0.01)
for thread in threads: thread.join()
ends = [end(fork) for fork in forks]
assert set(ends) == {0}, ends
"""
    hosts.run(sandbox.account, backend, text, timeout=120)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_a_fork_made_by_what_the_run_calls_leaves_the_job_to_its_parent(sandbox: Sandbox, backend: str) -> None:
    text = """
from sandbox_cli.errors import HostError
from sandbox_cli.run import execute, supervise
job("true")
parent, read = os.getpid(), supervise.Supervisor._read_input
def forks(self):  # where a caller's own code would run
    global fork
    if os.getpid() == parent and not fork:
        fork = os.fork()
    read(self) if os.getpid() == parent else None
supervise.Supervisor._read_input = forks
fork = 0
source, sink = os.pipe2(os.O_CLOEXEC)
threading.Timer(0.3, os.write, (sink, b"input")).start()
threading.Timer(0.6, os.close, (sink,)).start()
given = of_json({"command": ["cat"], "backend": BACKEND})._replace(stdin=source)
try:
    performed = perform(given, PLANS, kind="api")
except HostError as error:
    assert os.getpid() != parent
    assert "forked" in error.message, error
    os._exit(9)
assert os.getpid() == parent
assert performed.outcome["status"] == "ok", performed
assert performed.outcome["stdout"] == b"input"
assert end(fork) == 9
os.close(source)
assert (children(), made()) == ([], [])
"""
    hosts.run(sandbox.account, backend, text)


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_workers_of_a_process_pool_run_jobs(sandbox: Sandbox, backend: str) -> None:
    text = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
def square(number):
    return int(job("sh", "-c", 'echo $(($0 * $0))', str(number))["stdout"])
with ThreadPoolExecutor(4) as threads:
    ours = [threads.submit(square, number) for number in range(8)]
    with ProcessPoolExecutor(3, mp_context=multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(square, range(12))) == [number * number for number in range(12)]
    assert [each.result() for each in ours] == [number * number for number in range(8)]
assert (children(), made()) == ([], [])
"""
    hosts.run(sandbox.account, backend, text)
