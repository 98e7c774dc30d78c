# attempt: Enters the namespaces of every process that is to be seen, by /proc/PID/ns and by a pidfd, and those above
#     its own that the kernel names.
# known-from: technique: nsenter -t 1, and NS_GET_PARENT of ioctl_ns(2)
# held-by: filter, capabilities, kernel
# must: held
# control: bare root
import ctypes
import errno
import fcntl
import os

NS_GET_USERNS, NS_GET_PARENT = 0xB701, 0xB702
ALL = 0x7E020000  # CLONE_NEWNS to CLONE_NEWNET
libc = ctypes.CDLL(None, use_errno=True)
entered: list[str] = []
answers = set()


def enter(fd, kind, name):
    if libc.setns(fd, kind) == 0:
        entered.append(name)
    else:
        answers.add(errno.errorcode[ctypes.get_errno()])


for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit())[:20]:
    for space in ("mnt", "net", "uts", "ipc", "cgroup", "pid", "user"):
        try:
            fd = os.open(f"/proc/{pid}/ns/{space}", os.O_RDONLY)
        except OSError as error:
            answers.add(errno.errorcode[error.errno])
            continue
        enter(fd, 0, f"{space} of {pid}")
        for question in (NS_GET_USERNS, NS_GET_PARENT):
            try:
                enter(fcntl.ioctl(fd, question), 0, f"what is above {space} of {pid}")
            except OSError as error:
                answers.add(errno.errorcode[error.errno])
        os.close(fd)
    try:
        fd = os.pidfd_open(pid)
    except OSError as error:
        answers.add(errno.errorcode[error.errno])
        continue
    enter(fd, ALL, f"all of {pid}")
    os.close(fd)
print(f"escaped: entered {entered[:3]}" if entered else f"held: {sorted(answers)}")
