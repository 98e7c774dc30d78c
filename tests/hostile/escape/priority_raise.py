# attempt: Puts itself before all others of the machine: real time, a deadline, a negative nice value, real-time disk.
# known-from: technique: a real-time thread that never sleeps stops the host
# held-by: capabilities
# must: held
# control: bare root
import ctypes
import errno
import os

IOPRIO_SET, IOPRIO_CLASS_RT = {"x86_64": 251, "aarch64": 30}[os.uname().machine], 1 << 13
libc = ctypes.CDLL(None, use_errno=True)


def disk():
    if libc.syscall(IOPRIO_SET, 1, 0, IOPRIO_CLASS_RT):
        raise OSError(ctypes.get_errno(), "")


ACTS = {
    "fifo": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
    "rr": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
    "nice": lambda: os.nice(-5),
    "priority of all": lambda: os.setpriority(os.PRIO_USER, os.getuid(), -5) if os.getuid() else os.nice(-1),
    "disk": disk,
}
done, answers = [], {}
for name, act in ACTS.items():
    try:
        act()
        done.append(name)
    except OSError as error:
        answers[name] = errno.errorcode[error.errno]
print(f"escaped: {done}" if done else f"held: {answers}")
