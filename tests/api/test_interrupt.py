"""Ctrl-C, and whatever else a signal's handler raises: the job is gone, and the exception goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.conftest import Program

WATCH = """
    import signal
    def children():
        tasks = pathlib.Path("/proc/self/task").iterdir()
        return [pid for task in tasks for pid in (task / "children").read_text().split()]
    box = sandbox.Sandbox("command")
    box.run(command=["true"])
    fds = len(os.listdir("/proc/self/fd"))
"""


@pytest.mark.parametrize("after_s", [0.0005, 0.005, 0.02, 0.4])
@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_keyboard_interrupt_ends_the_job_and_goes_on(program: Program, after_s: float) -> None:
    ended = program(f"""{WATCH}
    threading.Timer({after_s}, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        box.run(command=["sleep", "20"], limits={{"wall_time": "1min"}})
        ended = "returned"
    except KeyboardInterrupt:
        ended = "interrupted"
    left = [children(), len(os.listdir("/proc/self/fd")) - fds, threading.active_count()]
    left += [name for name in os.listdir("/tmp") if name.startswith(f"sandbox-{{os.geteuid()}}-{{os.getpid()}}-")]
    print(json.dumps([ended, left, time.monotonic() - began < 8]))
    """)
    assert ended == ["interrupted", [[], 0, 1], True]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_second_interrupt_does_not_keep_the_first_from_cleaning_up(program: Program) -> None:
    ended = program(f"""{WATCH}
    timers = [threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGINT)) for after_s in (0.3, 0.31, 0.33, 0.36)]
    for timer in timers:
        timer.start()
    try:
        box.run(command=["sleep", "20"], limits={{"wall_time": "1min"}})
        ended = "returned"
    except KeyboardInterrupt:
        ended = "interrupted"
    while any(timer.is_alive() for timer in timers):
        try:
            time.sleep(0.1)
        except KeyboardInterrupt:
            pass
    print(json.dumps([ended, children(), len(os.listdir("/proc/self/fd")) - fds, threading.active_count()]))
    """)
    assert ended == ["interrupted", [], 0, 1]


@pytest.mark.parametrize("account", ["user"], indirect=True)
def test_handler_of_the_host_program_is_called_while_the_job_runs_and_may_raise(program: Program) -> None:
    ended = program(f"""{WATCH}
    class Mine(Exception): pass
    heard = []
    def usr1(*_): heard.append("usr1")
    def alarm(*_): raise Mine
    signal.signal(signal.SIGUSR1, usr1)
    signal.signal(signal.SIGALRM, alarm)
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    first = box.run(command=["sleep", "0.6"]).status
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        box.run(command=["sleep", "20"])
        ended = "returned"
    except Mine:
        ended = "mine"
    print(json.dumps([first, heard, ended, children(), len(os.listdir("/proc/self/fd")) - fds]))
    """)
    assert ended == ["ok", ["usr1"], "mine", [], 0]
