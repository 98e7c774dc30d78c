# attempt: Moves out of its control group, or raises what that bounds: opens the files for it wherever they may be.
# known-from: technique: /sys/fs/cgroup shown writable, as in CVE-2023-25809 (rootless runc)
# held-by: mounts, account
# must: held
# control: bare root
import errno
import os

places = {"/sys/fs/cgroup"}
with open("/proc/self/cgroup") as file:
    for line in file:
        _, names, path = line.rstrip("\n").split(":", 2)
        for name in (*names.split(","), "unified", ""):
            places |= {f"/sys/fs/cgroup/{name}", f"/sys/fs/cgroup/{name}{path}"}
with open("/proc/self/mountinfo") as file:
    places |= {line.split()[4] for line in file if " cgroup" in line}
opened, answers = [], set()
for place in sorted(places):
    for name in ("cgroup.procs", "tasks", "memory.max", "memory.limit_in_bytes", "pids.max", "cgroup.kill"):
        try:
            os.close(os.open(f"{place}/{name}", os.O_WRONLY))
            opened.append(f"{place}/{name}")
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
print(f"escaped: {opened[:3]} can be written" if opened else f"held: {sorted(answers)} in {len(places)} places")
