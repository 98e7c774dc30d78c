# attempt: Reads the kernel's memory, and where its code lies.
# known-from: technique: rootkits by /dev/kmem; addresses of the kernel, before an exploit of it
# held-by: mounts, capabilities, user namespace
# must: held
# control: bare root
import os

PATHS = (
    "/proc/kcore", "/dev/core", "/dev/mem", "/dev/kmem", "/dev/port", "/proc/slabinfo", "/proc/vmallocinfo",
    "/proc/kpageflags", "/proc/kpagecount", "/proc/sched_debug", "/proc/timer_list",
    "/sys/kernel/debug/sched/debug", "/sys/kernel/vmcoreinfo", "/sys/kernel/notes", "/proc/pagetypeinfo",
)  # fmt: skip
read = []
for path in PATHS:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        if os.read(fd, 4096):
            read.append(path)
    except OSError:
        continue
try:
    with open("/proc/kallsyms") as file:
        if int(file.readline()[:16] or "0", 16):  # zeros for all but root, depending on kernel.kptr_restrict
            read.append("/proc/kallsyms")
except OSError:
    pass
print(f"escaped: {' '.join(read)}" if read else f"held: none of {len(PATHS) + 1}")
