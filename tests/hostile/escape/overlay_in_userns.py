# attempt: Mounts an overlay whose upper layer takes files of a lower one over, in a user namespace and without one.
# known-from: CVE-2021-3493 and CVE-2023-0386 (OverlayFS took file capabilities and set-uid bits over)
# held-by: filter, capabilities
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


for name in ("upper", "work", "merged"):
    os.mkdir(name)
apart, here = become_root_there(), os.getcwd()
layers = f"lowerdir=/usr/share,upperdir={here}/upper,workdir={here}/work"
if libc.mount(b"overlay", b"merged", b"overlay", 0, layers.encode()) == 0:
    print(f"escaped: an overlay with {len(os.listdir('merged'))} files")
else:
    print(f"held: unshare {apart}, mount {errno.errorcode[ctypes.get_errno()]}")
