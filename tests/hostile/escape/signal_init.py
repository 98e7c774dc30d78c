# attempt: Kills or stops the launcher in the jail and the jailer's PID 1 by every call that aims at a process, so that
#     nobody is there to end the job; where there is a process of the host to be had, that one first.
# known-from: technique: an init that is killed no longer ends what it started
# held-by: pid namespace, launcher
# must: held
# needs: victim
# control: bare
import os
import signal
import time

SIGNALS = signal.SIGTERM, signal.SIGSTOP, signal.SIGABRT, signal.SIGKILL


def state(pid):
    """R, S, T, ...: of a process that is there."""
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


victim, init = int(os.environ["ESCAPE_PID"]), os.getppid()
try:
    os.kill(victim, signal.SIGKILL)
    print(f"escaped: killed {victim}")
    raise SystemExit
except OSError:
    pass
before = state(1), state(init)
for pid in 1, init, -init, -1:
    for number in SIGNALS:
        try:
            os.kill(pid, number)
        except OSError:
            continue
time.sleep(0.05)
after = state(1), state(init)
alive = os.getppid() == init and not {"T", "Z"} & set(after)
print(f"held: they are {after}" if alive else f"escaped: {before} became {after}")
