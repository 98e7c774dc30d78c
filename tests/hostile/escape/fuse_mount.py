# attempt: Mounts a file system of its own making by /dev/fuse, in a user namespace and without one.
# known-from: technique: FUSE holds a kernel thread at a chosen moment; CVE-2023-0386 was exploited so
# held-by: filter, capabilities, mounts
# must: held
# control: bare
import ctypes
import errno
import os

CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000
libc = ctypes.CDLL(None, use_errno=True)


def become_root_there():
    me, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS):
        return errno.errorcode[ctypes.get_errno()]
    for name, value in (("uid_map", f"0 {me} 1"), ("setgroups", "deny"), ("gid_map", f"0 {group} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(value)
    return "done"


os.mkdir("mine")
apart = become_root_there()
try:
    fd, opened = os.open("/dev/fuse", os.O_RDWR), "done"
except OSError as error:
    fd, opened = 0, errno.errorcode[error.errno]
options = f"fd={fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
if libc.mount(b"mine", b"mine", b"fuse", 0, options.encode()):
    print(f"held: unshare {apart}, open {opened}, mount {errno.errorcode[ctypes.get_errno()]}")
else:
    print("escaped: a FUSE file system is mounted")
