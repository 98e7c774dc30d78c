# attempt: Opens every file below /proc/sys for writing, and every other one of /proc that is not a process's, but for
#     those of namespaces that are the jail's own.
# known-from: CVE-2025-52881 (runc was led to write to such a file)
# held-by: user namespace, mounts, account
# must: held
# control: bare root
import os
import re
import stat

OWN = re.compile(r"/proc/sys/(fs/mqueue/.*|kernel/(auto_msgmni|msg.*|sem.*|shm.*|pid_max))")
opened, seen = [], 0
for folder, folders, files in os.walk("/proc"):
    if folder == "/proc":
        folders[:] = [name for name in folders if not name.isdigit()]
    for name in files:
        path = f"{folder}/{name}"
        mode = os.lstat(path).st_mode
        # What everybody may open (kernel/ns_last_pid, pressure) asks for the capability when it is written.
        if not stat.S_ISREG(mode) or mode & stat.S_IWOTH or OWN.fullmatch(path):
            continue
        seen += 1
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            opened.append(path)
        except OSError:
            continue
print(f"escaped: {len(opened)} of {seen}, {opened[0]}" if opened else f"held: none of {seen}")
