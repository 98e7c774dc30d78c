# attempt: Registers an interpreter for a kind of file with binfmt_misc, in a user namespace and without one.
# known-from: technique: an interpreter with the flag C takes the rights of the set-uid file that it is started for
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


os.mkdir("formats")
apart = become_root_there()
mounted = libc.mount(b"none", b"formats", b"binfmt_misc", 0, None)
first = errno.errorcode.get(ctypes.get_errno())
answers = []
for path in ("formats", "/proc/sys/fs/binfmt_misc"):
    try:
        fd = os.open(f"{path}/register", os.O_WRONLY)
        if path == "formats":  # the host's own is opened only
            os.write(fd, b":escape:E::escape::/bin/true:C")
        print(f"escaped: {path}: {os.listdir(path)}")
        break
    except OSError as error:
        answers.append(errno.errorcode[error.errno])
else:
    print(f"held: unshare {apart}, mount {mounted} {first}, register {answers}")
