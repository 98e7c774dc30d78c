# attempt: Makes a user namespace with unshare, becomes root in it, and mounts a file system.
# known-from: the first step of most local exploits of the kernel since 2013, as CVE-2022-0185 and CVE-2023-32233
# held-by: filter
# must: held
# control: weak nested-userns
import ctypes
import errno
import os
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000
libc = ctypes.CDLL(None, use_errno=True)

me = os.getuid()
answers = []
for flags in (CLONE_NEWUSER | CLONE_NEWNS, CLONE_NEWUSER):
    if libc.unshare(flags) == 0:
        Path("/proc/self/uid_map").write_text(f"0 {me} 1")
        mounted = libc.mount(b"none", b"/tmp", b"tmpfs", 0, None)
        print(f"escaped: uid {os.getuid()} in a user namespace of its own, mount {mounted}")
        break
    answers.append(errno.errorcode[ctypes.get_errno()])
else:
    print(f"held: {answers}")
