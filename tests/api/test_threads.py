"""Many jobs of one program at once: each gets its own answer, and nothing of any is left or grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api import hosts

if TYPE_CHECKING:
    from tests.accounts import Sandbox

# One job that says, leaves and ends with what is its own, and takes what it says from its input.
OWN = """
from concurrent.futures import ThreadPoolExecutor
LEAVE = 'read word; echo "$word"; echo "$word$word" >left; echo "$1" >&2; exit $2'
def own(number, plans=PLANS):
    word, status = f"job-{number}", number % 50
    outcome = job("sh", "-c", LEAVE, "sh", f"err-{number}", str(status), stdin=word + "\\n", plans=plans,
                  limits={"wall_time": "60s"}, collect=["left"])
    assert outcome["exit_code"] == status, outcome
    assert (outcome["stdout"], outcome["stderr"]) == (b"%s\\n" % word.encode(), b"err-%d\\n" % number), outcome
    assert [each["content"] for each in outcome["artifacts"]] == [f"{word}{word}\\n".encode()], outcome
    return number
"""


@pytest.mark.parametrize(("backend", "count"), [("bwrap", 64), ("nsjail", 64), ("firejail", 12)], indirect=["backend"])
def test_each_of_many_threads_gets_its_own_answer(sandbox: Sandbox, backend: str, count: int) -> None:
    text = f"""
job("true")
before = fds()
with ThreadPoolExecutor({count}) as pool:
    assert list(pool.map(own, range({count}))) == list(range({count}))
assert (fds(), children(), made()) == (before, [], [])
assert threading.active_count() == 1
"""
    hosts.run(sandbox.account, backend, OWN + text, timeout=120)


@pytest.mark.parametrize("backend", ["bwrap"], indirect=True)
def test_plans_made_in_many_threads_at_once_are_the_same(sandbox: Sandbox, backend: str) -> None:
    """Each thread with its own `Plans`, as every call of a program makes them, and all at the very first use."""
    text = """
ready = threading.Barrier(8)
def compiled(number):
    plans = Plans()
    ready.wait()
    found = [plans.of({"command": ["/bin/true"], "backend": BACKEND, "limits": {"memory": f"{64 + n}MiB"}})
             for n in range(4)]
    assert plans.of({"command": ["/bin/true"], "backend": BACKEND, "limits": {"memory": "64MiB"}}) is found[0]
    return found
with ThreadPoolExecutor(8) as pool:
    first, *others = pool.map(compiled, range(8))
assert len({repr(each) for each in first}) == 4
assert all(each == first for each in others)
assert (children(), made()) == ([], [])
"""
    hosts.run(sandbox.account, backend, OWN + text)


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_nothing_grows_with_the_number_of_jobs(sandbox: Sandbox, backend: str) -> None:
    text = """
import resource
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()
count = int(sys.argv[2])
with ThreadPoolExecutor(16) as pool:
    list(pool.map(own, range(64)))
    before, size, threads = fds(), resident(), len(os.listdir("/proc/self/task"))
    list(pool.map(own, range(count)))
    assert fds() == before
    assert len(os.listdir("/proc/self/task")) == threads
    assert resident() - size < 10 << 20, resident() - size
    print(resident() - size)
assert (children(), made()) == ([], [])
"""
    print(hosts.run(sandbox.account, backend, OWN + text, "200", timeout=120))


@pytest.mark.parametrize("backend", ["bwrap", "nsjail"], indirect=True)
def test_a_job_that_is_cancelled_leaves_those_of_other_threads_alone(sandbox: Sandbox, backend: str) -> None:
    text = """
job("true")
before = fds()
def cancelled(number):
    source, sink = os.pipe()
    threading.Timer(0.05 + number / 50, os.write, (sink, b"\\x0f")).start()
    outcome = job("sleep", "60", cancel=source)
    assert (outcome["status"], outcome["signal"]) == ("cancelled", "SIGTERM"), outcome
    os.close(source)
    os.close(sink)
with ThreadPoolExecutor(16) as pool:
    jobs = [pool.submit(cancelled if number % 2 else own, number) for number in range(24)]
    [each.result() for each in jobs]
assert (fds(), children(), made()) == (before, [], [])
"""
    hosts.run(sandbox.account, backend, OWN + text)
