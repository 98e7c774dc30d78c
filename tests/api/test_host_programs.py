"""Jobs inside of programs that are not ours: their signals, children, fds and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api import hosts

if TYPE_CHECKING:
    from tests.accounts import Sandbox

STATUSES = """
def check():
    outcomes = [job("true"), job("sh", "-c", "exit 3"), job("sh", "-c", "kill -9 $$"), job("sh", "-c", "echo out")]
    assert [each["status"] for each in outcomes] == ["ok", "nonzero-exit", "signalled", "ok"], outcomes
    assert (outcomes[1]["exit_code"], outcomes[3]["stdout"]) == (3, b"out\\n"), outcomes
    limited = job("sleep", "60", limits={"wall_time": "200ms"})
    assert limited["status"] == "wall-time-limit", limited
    assert made() == [], made()
"""
REAPERS = {
    "ignores the ends of its children": "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\ncheck()\n",
    "reaps whatever child ends in a handler": """
def reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
signal.signal(signal.SIGCHLD, reap)
check()
""",
    "waits for any child in another thread": """
def wait():
    while not over:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(0.001)
over = False
thread = threading.Thread(target=wait)
thread.start()
check()
over = True
thread.join()
""",
    "blocks every signal": """
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
check()
""",
    "has a timer of a thousand ticks a second": """
signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
ticks = []
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
check()
signal.setitimer(signal.ITIMER_REAL, 0)
assert len(ticks) > 100
""",
    "has closed its standard streams": """
standard = os.dup(2)
os.set_inheritable(standard, False)
for fd in range(3):
    os.close(fd)
before = fds()
try:
    check()
    job("cat", stdin="in")["stdout"] == b"in" or os._exit(9)
    after = fds()
finally:
    for fd in range(3):
        os.dup2(standard, fd)
assert before == after, (before, after)
""",
    "has a thousand files open": """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
many = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
check()
""",
}


@pytest.mark.parametrize("program", REAPERS)
def test_outcomes_are_right_in_a_program_that(program: str, sandbox: Sandbox, backend: str) -> None:
    hosts.run(sandbox.account, backend, STATUSES + REAPERS[program])


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
def test_a_process_group_of_somebody_else_is_left_alone(sandbox: Sandbox, backend: str) -> None:
    """Its number was the jailer's, which somebody else has reaped."""
    text = """
from sandbox_cli.run import system
bystander = os.posix_spawn("/bin/sleep", ["sleep", "30"], {}, setpgroup=0)
ended = os.posix_spawn("/bin/true", ["true"], {})
pidfd = os.pidfd_open(ended)
os.waitpid(ended, 0)
system.kill_group(pidfd, bystander)
assert system.reap(pidfd) is None
os.close(pidfd)
assert os.waitpid(bystander, os.WNOHANG) == (0, 0)
os.kill(bystander, signal.SIGKILL)
end(bystander)
"""
    hosts.run(sandbox.account, backend, text)
    hosts.run(sandbox.account, backend, "from sandbox_cli.run import system\nsystem._PROCESS_GROUP = 1 << 30\n" + text)


def test_what_the_program_has_open_never_reaches_a_job(sandbox: Sandbox, backend: str) -> None:
    text = """
import socket
listening = socket.create_server(("127.0.0.1", 0))
secret = os.open("/etc/hostname", os.O_RDONLY)
for fd in (listening.fileno(), secret, *(high := [os.dup(secret) for _ in range(40)])):
    os.set_inheritable(fd, True)
outcome = job("sh", "-c", "for fd in /proc/self/fd/*; do readlink $fd || true; done")
assert b"hostname" not in outcome["stdout"], outcome
assert outcome["stdout"].count(b"socket:") == 0, outcome
listening.close()
"""
    hosts.run(sandbox.account, backend, text)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_a_program_started_meanwhile_with_every_fd_inherits_none_of_ours(sandbox: Sandbox, backend: str) -> None:
    text = """
import subprocess
def start():
    while not over:
        # It has no time to open anything itself: what it lists is what it was born with, and the list's own fd.
        listed = subprocess.run(["ls", "-l", "/proc/self/fd"], close_fds=False, capture_output=True, text=True).stdout
        for line in listed.splitlines()[1:]:
            if " -> " in line and line.split()[-3] not in ("0", "1", "2", "3"):
                found.append(line)
        rounds.append(1)
over, found, rounds = False, [], []
job("true")
threads = [threading.Thread(target=start) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(12):
    job("cat", stdin="x")
over = True
for thread in threads: thread.join()
assert len(rounds) > 20
assert not found, found
"""
    hosts.run(sandbox.account, backend, text)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
@pytest.mark.parametrize("daemon", ["True", "False"])
def test_a_job_of_a_thread_does_not_outlive_the_program(sandbox: Sandbox, backend: str, daemon: str) -> None:
    """The main thread ends while another runs a job: a daemon's job ends with the program, another's is waited for."""
    text = """
daemon = sys.argv[2] == "True"
mark = f"{60 if daemon else 1}.{os.getpid()}"
thread = threading.Thread(target=job, args=("sleep", mark), daemon=daemon)
job("true")
thread.start()
until(lambda: running("sleep", mark))
print(mark)
sys.exit(0)
"""
    mark = hosts.run(sandbox.account, backend, text, daemon).strip()
    gone = """
pid = sys.argv[2].split(".")[1]
job("true")
until(lambda: not made(pid) and not running("sleep", sys.argv[2]), seconds=5)
"""
    hosts.run(sandbox.account, backend, gone, mark)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_jobs_of_threads_that_live_no_longer_than_these_are_right(sandbox: Sandbox, backend: str) -> None:
    text = """
right = []
def one(number):
    right.append(job("sh", "-c", 'sleep 0.05; echo "$0"', str(number))["stdout"] == b"%d\\n" % number)
job("true")
before = fds()
for number in range(12):
    thread = threading.Thread(target=one, args=(number,))
    thread.start()
    thread.join()
assert right == [True] * 12
assert (fds(), children(), made()) == (before, [], [])
"""
    hosts.run(sandbox.account, backend, text)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_an_interruption_at_any_moment_takes_all_of_the_job_along(sandbox: Sandbox, backend: str) -> None:
    text = """
import random
import sandbox_cli as sandbox
box = sandbox.Sandbox(backend=BACKEND)
box.run(command=["true"])
before = fds()
for _ in range(100):
    timer = threading.Timer(random.random() * 0.03, os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        box.run(command=["sleep", "0.01"])
        time.sleep(60)
    except KeyboardInterrupt:
        pass
    timer.join()
    assert (fds(), children(), made()) == (before, [], [])
until(lambda: threading.active_count() == 1)
"""
    hosts.run(sandbox.account, backend, text, timeout=120)


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
def test_a_fork_made_in_a_callback_does_not_wait_for_its_parents_job(sandbox: Sandbox, backend: str) -> None:
    text = """
import sandbox_cli as sandbox
parent, forks = os.getpid(), []
def seen(stream, data):
    if not forks:
        forks.append(os.fork())
try:
    result = sandbox.run(command=["sh", "-c", "echo 1; sleep 0.3; echo 2"], backend=BACKEND, on_output=seen)
except sandbox.HostError as error:
    assert os.getpid() != parent and "forked" in error.message, error
    os._exit(9)
assert os.getpid() == parent
assert result.stdout == "1\\n2\\n", result
assert end(forks[0]) == 9
assert (children(), made()) == ([], [])
"""
    hosts.run(sandbox.account, backend, text)


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
def test_a_program_that_inherits_orphans_keeps_no_dead_ones_of_jails(sandbox: Sandbox, backend: str) -> None:
    """As PID 1 of a container does: a jailer that is killed while it starts leaves it what it had begun."""
    text = """
import ctypes
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
job("true")
for number in range(60):
    source, sink = os.pipe()
    timer = threading.Timer(number / 6000, os.write, (sink, b"\\x0f"))
    timer.start()
    job("sleep", "60", cancel=source)
    timer.join()
    os.close(source)
    os.close(sink)
assert children() == [], [open(f"/proc/{c}/stat").read() for c in children()]
"""
    hosts.run(sandbox.account, backend, text)
