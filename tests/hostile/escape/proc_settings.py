# attempt: Opens for writing what /proc/PID has to set, of the launcher, the jailer and a process of the host: who is
#     killed when memory runs out, what core dumps hold, the maps of accounts.
# known-from: technique: a process that makes others the first to be killed
# held-by: pid namespace, launcher
# must: held
# needs: victim
# control: bare
import os

NAMES = (
    "oom_score_adj", "oom_adj", "coredump_filter", "autogroup", "comm", "clear_refs", "sched",
    "uid_map", "gid_map", "setgroups", "projid_map", "loginuid", "fail-nth", "make-it-fail",
)  # fmt: skip
opened, why = [], "nobody"
for pid in os.environ["ESCAPE_PID"], "1", str(os.getppid()):
    for name in NAMES:
        try:
            os.close(os.open(f"/proc/{pid}/{name}", os.O_WRONLY))
            opened.append(f"{pid}/{name}")
        except OSError as error:
            why = error.strerror
print(f"escaped: {' '.join(opened)}" if opened else f"held: {why}")
