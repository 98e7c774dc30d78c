# attempt: Lowers the limits, the priority and the processors of a process of the host that has the job's account.
# known-from: technique: prlimit and sched_setaffinity, which ask for the same account alone
# held-by: pid namespace
# must: held
# needs: victim
# control: bare
import os
import resource

pid = int(os.environ["ESCAPE_PID"])
done, why = [], ""
for name, act in {
    "prlimit": lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, (100, 100)),
    "setpriority": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
    "sched_setaffinity": lambda: os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))}),
    "sched_setscheduler": lambda: os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)),
}.items():
    try:
        act()
        done.append(name)
    except OSError as error:
        why = f"{name}: {error.strerror}"
print(f"escaped: {' '.join(done)}" if done else f"held: {why}")
