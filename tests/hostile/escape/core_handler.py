# attempt: Sets its core limit, so that a crash of it starts the host's handler of core dumps, as root, on its memory.
# known-from: CVE-2015-1318 (Apport, from a container), CVE-2025-4598 (systemd-coredump)
# held-by: filter, limits
# must: held
# control: weak no-filter
import ctypes
import errno
import os
import resource

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
PRLIMIT64 = {"x86_64": 302, "aarch64": 261}[os.uname().machine]
limit = resource.getrlimit(resource.RLIMIT_CORE)
done, answers = [], set()
for value in (0, 2, resource.RLIM_INFINITY):
    for hard in (value, limit[1]):
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (value, hard))
            done.append((value, hard))
        except (OSError, ValueError) as error:
            answers.add(str(error))
    new = (ctypes.c_ulong * 2)(value & (1 << 64) - 1, value & (1 << 64) - 1)
    for above in (0, 1 << 32):
        if libc.syscall(PRLIMIT64, 0, ctypes.c_long(above | resource.RLIMIT_CORE), new, None) == 0:
            done.append((value, above))
        else:
            answers.add(errno.errorcode[ctypes.get_errno()])
print(f"escaped: {done}, was {limit}" if done else f"held: {limit} stays: {sorted(answers)}")
