# attempt: Ends a process of the host that has the job's own account: by kill, to its group, by tgkill and its kin.
# known-from: technique: a sandbox that hides files, and leaves processes as they are
# held-by: pid namespace
# must: held
# needs: victim
# control: bare
import ctypes
import os
import signal

RT_SIGQUEUEINFO, TKILL, TGKILL = 129, 200, 234
libc = ctypes.CDLL(None, use_errno=True)
pid, number = int(os.environ["ESCAPE_PID"]), signal.SIGTERM
info = (ctypes.c_int * 32)(number, 0, -1)  # as sigqueue(3) sends it


def call(*arguments):
    if libc.syscall(*arguments):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


for name, act in {
    "killpg": lambda: os.killpg(pid, number),
    "tgkill": lambda: call(TGKILL, pid, pid, number),
    "tkill": lambda: call(TKILL, pid, number),
    "rt_sigqueueinfo": lambda: call(RT_SIGQUEUEINFO, pid, number, info),
    "pidfd_send_signal": lambda: signal.pidfd_send_signal(os.pidfd_open(pid), number),
    "kill": lambda: os.kill(pid, number),
}.items():
    try:
        act()
        print(f"escaped: {name}")
        break
    except OSError as error:
        why = f"{name}: {error.strerror}"
else:
    print(f"held: {why}")
