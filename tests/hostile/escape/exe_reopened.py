# attempt: Opens the launcher's or the jailer's binary through /proc/PID/exe, and again for writing through the fd that
#     it got. Where the binary is only busy it may be written: it need not be busy forever.
# known-from: CVE-2019-5736 (runc was overwritten so)
# held-by: launcher, pid namespace, account
# must: held
# control: bare root
import errno
import os

why = "nobody"
for pid in os.getppid(), 1:
    try:
        fd = os.open(f"/proc/{pid}/exe", os.O_RDONLY)
        os.close(os.open(f"/proc/self/fd/{fd}", os.O_WRONLY))
    except OSError as error:
        why = f"/proc/{pid}/exe: {error.strerror}"
        if error.errno != errno.ETXTBSY:
            continue
    print(f"escaped: the binary of process {pid} may be written")
    break
else:
    print(f"held: {why}")
