# attempt: Mounts a /proc, a sysfs and a /dev/pts of its own, in new namespaces and without, where nothing is masked.
# known-from: technique: a fresh /proc has no masked paths; CVE-2025-31133 (runc) took the masks off another way
# held-by: filter, capabilities
# must: held
# control: bare
import ctypes
import errno
import os

CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000, 0x20000000, 0x40000000
libc = ctypes.CDLL(None, use_errno=True)

os.mkdir("again")
apart = libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET)
first = errno.errorcode.get(ctypes.get_errno())
child = os.fork()
if child == 0:  # the first process of the new namespace
    answers = []
    for kind in (b"proc", b"sysfs", b"devpts", b"mqueue"):
        done = libc.mount(kind, b"again", kind, 0, None) == 0
        answers.append("mounted" if done else errno.errorcode[ctypes.get_errno()])
    word = "escaped" if "mounted" in answers else "held"
    print(f"{word}: unshare {apart} {first}; proc, sysfs, devpts, mqueue: {answers}", flush=True)
    os._exit(0)
os.waitpid(child, 0)
