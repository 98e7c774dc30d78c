# attempt: Changes the host's name and its domain, by their calls and by /proc/sys, also in a namespace of its own.
# known-from: technique: where the UTS namespace is shared, the host gets the name that a container sets
# held-by: filter, capabilities
# must: held
# control: bare
import ctypes
import errno
import os

CLONE_NEWUSER, CLONE_NEWUTS = 0x10000000, 0x4000000
libc = ctypes.CDLL(None, use_errno=True)

apart = libc.unshare(CLONE_NEWUSER | CLONE_NEWUTS)
done, answers = [], []
for name in ("sethostname", "setdomainname"):
    if getattr(libc, name)(b"escape", 6) == 0:
        done.append(name)
    else:
        answers.append(errno.errorcode[ctypes.get_errno()])
for path in ("/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        done.append(path)
    except OSError as error:
        answers.append(errno.errorcode[error.errno])
print(f"escaped: {done}: {os.uname().nodename}" if done else f"held: unshare {apart}, {answers}")
