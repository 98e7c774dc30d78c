# attempt: Mounts a hierarchy of the control groups, in namespaces of its own where it may, and opens the name of the
#     program that the host starts when a group is left empty.
# known-from: CVE-2022-0492; before that the escape of privileged containers of 2019
# held-by: filter, capabilities, mounts
# must: held
# control: bare root
import ctypes
import errno
import glob
import os

CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWCGROUP, MS_REC, MS_PRIVATE = 0x10000000, 0x20000, 0x2000000, 16384, 1 << 18
libc = ctypes.CDLL(None, use_errno=True)
answers = set()


def tried(result):
    if result:
        answers.add(errno.errorcode[ctypes.get_errno()])
    return result == 0


os.mkdir("group")
apart = tried(libc.unshare(CLONE_NEWNS)) or tried(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP))
if not apart or tried(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None)):
    with open("/proc/cgroups") as file:
        names = [line.split()[0] for line in file if not line.startswith("#")]
    any(tried(libc.mount(b"none", b"group", b"cgroup", 0, name.encode())) for name in names)
opened = []
for path in ("group/release_agent", *glob.glob("/sys/fs/cgroup/*/release_agent")):
    try:
        os.close(os.open(path, os.O_WRONLY))
        opened.append(path)
    except OSError as error:
        answers.add(errno.errorcode[error.errno])
print(f"escaped: {opened} can be written" if opened else f"held: {sorted(answers)}")
