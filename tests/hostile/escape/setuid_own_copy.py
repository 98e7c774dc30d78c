# attempt: Makes a copy of a program set-uid by every call that gives a file its mode, so that it would run as the job
#     for whoever starts it.
# known-from: technique: a set-uid shell left in a shared directory
# held-by: filter, kernel
# must: held
# control: weak no-filter
import ctypes
import errno
import os
import shutil
import stat

FCHMODAT2 = 452
libc = ctypes.CDLL(None, use_errno=True)
shutil.copy("/bin/true", "copy")
fd, here = os.open("copy", os.O_RDWR), os.open(".", os.O_RDONLY)


def made_and_written():
    with open(os.open("new", os.O_CREAT | os.O_RDWR, 0o4755), "w") as file:
        file.write("#!/bin/sh\n")


WAYS = {
    "chmod": lambda: os.chmod("copy", 0o4755),
    "fchmod": lambda: os.fchmod(fd, 0o4755),
    "fchmodat": lambda: os.chmod("copy", 0o4755, dir_fd=here),
    "fchmodat2": lambda: libc.syscall(FCHMODAT2, here, b"copy", 0o4755, 0),
    "by /proc": lambda: os.chmod(f"/proc/self/fd/{fd}", 0o6755),
    "with more bits": lambda: libc.chmod(b"copy", 0xFFFF0000 | 0o104755),
    "made and written": made_and_written,
}
set_uid, answers = [], {}
for way, act in WAYS.items():
    ctypes.set_errno(0)
    os.chmod("copy", 0o755)
    try:
        act()
        answers[way] = errno.errorcode.get(ctypes.get_errno(), "done")
    except OSError as error:
        answers[way] = errno.errorcode[error.errno]
    found = os.stat("new" if act is made_and_written else "copy")
    if found.st_mode & stat.S_ISUID:
        set_uid.append(way)
print(f"escaped: set-uid by {set_uid}" if set_uid else f"held: {answers}")
